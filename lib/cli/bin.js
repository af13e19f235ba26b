#!/usr/bin/env node
// What `npx tidelog` runs: JavaScript of old, so that even a Node that is too old can read it and say so. In a clone it
// hands over to the repository's own Node, which runs TypeScript as it is; in the published package it loads the compiled
// command line into this process.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const OLDEST = [22, 15]
// V8 takes a heap as small as ours for one that must be kept so, and collects all of it every two seconds for nothing. The
// script `start` of package.json says the same.
const HEAP = '--initial-old-space-size=128'
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

const here = dirname(realpathSync(fileURLToPath(import.meta.url)))
const root = join(here, '..', '..')
const main = join(here, 'main.ts')

function fail(sentence) {
  process.stderr.write(sentence + '\n')
  process.exitCode = 1
}

function isTooOld() {
  const parts = process.versions.node.split('.').map(Number)
  return parts[0] < OLDEST[0] || (parts[0] === OLDEST[0] && parts[1] < OLDEST[1])
}

/** Runs main.ts with the clone's Node and stands in for it: same terminal, same signals, same end. */
function handOver(node) {
  const child = spawn(node, [HEAP, main].concat(process.argv.slice(2)), { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both processes; this one only has to outlive the other, to pass its exit code on.
  SIGNALS.forEach((signal) => {
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  })
  child.on('error', (error) => {
    fail('tidelog could not be started with ' + node + ' (' + error.message + '). Run "npm install" in the clone.')
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    SIGNALS.forEach((name) => {
      process.removeAllListeners(name)
    })
    process.kill(process.pid, signal)
  })
}

if (existsSync(main)) {
  const node = [join(root, 'node_modules', 'node', 'bin', 'node'), join(root, 'node_modules', '.bin', 'node')].find(
    (place) => existsSync(place),
  )
  if (node === undefined) fail('Node is missing in this clone. Run "npm install" in ' + root + ' first.')
  else handOver(node)
} else if (isTooOld()) {
  fail('Tidelog needs Node ' + OLDEST.join('.') + ' or newer; this is Node ' + process.versions.node + '.')
} else {
  import('../../dist/cli/main.js').catch((error) => {
    fail('tidelog could not be started: ' + error.message)
  })
}
