// Breaks the code on purpose, one sentence of the design at a time, in a copy of the tree, and runs the simulation on it: it
// must fail within the stated number of seeds, and the same seeds must pass on the unmutated copy. A mutant that survives
// says that a sentence is not tested; one whose text is no longer found says that this list is out of date. Both fail.
//
//   npm run sim:mutants                    all of them
//   npm run sim:mutants -- no-horizon      those whose name contains one of the words
//   npm run sim:mutants -- --most 50       those that so many seeds are enough for
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Edit, MUTANTS, type Mutant } from './mutant-list.ts'

type Verdict =
  | { readonly kind: 'killed'; readonly seed: number; readonly anomaly: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'outdated'; readonly detail: string }
  | { readonly kind: 'broken'; readonly detail: string }

const FROM_SEED = 1
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A copy of what the simulation needs. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'tidelog-mutant-'))
  for (const path of ['lib', 'test/simulation', 'package.json', 'tsconfig.json']) {
    cpSync(join(root, path), join(copy, path), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

function applyEdit(copy: string, { file, search, replace }: Edit): string | undefined {
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  const parts = text.split(search)
  if (parts.length !== 2) return `${file} holds its text ${parts.length - 1} times`
  writeFileSync(path, parts.join(replace))
  return undefined
}

interface SimulationOutcome {
  readonly failed: boolean
  readonly seed: number
  readonly anomaly: string
  readonly output: string
}

/** Runs seeds in the copy, stopping at the first that fails. */
function runSimulation(copy: string, seeds: number): SimulationOutcome {
  const args = ['test/simulation/runner.ts', '--from', String(FROM_SEED), '--seeds', String(seeds), '--anomalies-only']
  const run = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 28 })
  const output = `${run.stdout}\n${run.stderr}`
  const seed = Number(/seed (\d+) shows/.exec(output)?.[1] ?? Number.NaN)
  const anomaly = /seed \d+ shows .*\n {2}([\w-]+)/.exec(output)?.[1] ?? ''
  return { failed: run.status !== 0, seed, anomaly, output }
}

function judge(mutant: Mutant): Verdict {
  const copy = copyTree()
  try {
    for (const edit of [...(mutant.beside ?? []), ...mutant.edits]) {
      const detail = applyEdit(copy, edit)
      if (detail !== undefined) return { kind: 'outdated', detail }
    }
    const { failed, seed, anomaly, output } = runSimulation(copy, mutant.seeds)
    if (!failed) return { kind: 'survived' }
    // A mutant that does not even run proves nothing about the sentence that it breaks.
    const crashed = /(ReferenceError|SyntaxError|TypeError)[^\n]*/.exec(output)?.[0]
    if (crashed !== undefined) return { kind: 'broken', detail: crashed }
    if (Number.isNaN(seed)) return { kind: 'broken', detail: output.slice(-600) }
    return { kind: 'killed', seed, anomaly }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** The seeds that killed mutants pass without them, also where an edit stands beside. */
function checkUnmutated(seedsNeeded: ReadonlyMap<string, { edits: readonly Edit[]; seeds: number }>): string[] {
  const problems: string[] = []
  for (const { edits, seeds } of seedsNeeded.values()) {
    const copy = copyTree()
    try {
      for (const edit of edits) applyEdit(copy, edit)
      const { failed, output } = runSimulation(copy, seeds)
      if (failed) problems.push(`unmutated code fails: ${output.slice(-600)}`)
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  }
  return problems
}

const { values, positionals } = parseArgs({ options: { most: { type: 'string' } }, allowPositionals: true })
const seedsMax = Number(values.most ?? Number.POSITIVE_INFINITY)
const isNamed = (name: string): boolean => positionals.length === 0 || positionals.some((word) => name.includes(word))
const chosen = MUTANTS.filter(({ name, seeds }) => isNamed(name) && seeds <= seedsMax)
if (chosen.length === 0) {
  console.log('No mutant is called that.')
  process.exit(1)
}
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
const needed = new Map<string, { edits: readonly Edit[]; seeds: number }>()
let failures = 0
console.log(`# Mutants at ${commit}, seeds from ${FROM_SEED}\n`)
console.log('| mutant | breaks | seeds allowed | verdict |\n|---|---|---:|---|')
for (const mutant of chosen) {
  const verdict = judge(mutant)
  let text = verdict.kind.toUpperCase()
  if (verdict.kind === 'killed') {
    text = `killed by seed ${verdict.seed} (${verdict.anomaly})`
    const key = JSON.stringify(mutant.beside ?? [])
    const seeds = Math.max(needed.get(key)?.seeds ?? 0, verdict.seed - FROM_SEED + 1)
    needed.set(key, { edits: mutant.beside ?? [], seeds })
  } else {
    failures++
    if ('detail' in verdict) text += `: ${verdict.detail.replaceAll('\n', ' ')}`
  }
  console.log(`| ${mutant.name} | ${mutant.sentence} | ${mutant.seeds} | ${text} |`)
}
const problems = checkUnmutated(needed)
for (const problem of problems) console.log(`\n${problem}`)
const most = Math.max(0, ...[...needed.values()].map(({ seeds }) => seeds))
if (problems.length === 0) console.log(`\nThe same seeds (up to ${most}) pass unmutated.`)
console.log(`\n${chosen.length - failures} of ${chosen.length} mutants killed.`)
process.exit(failures + problems.length === 0 ? 0 : 1)
