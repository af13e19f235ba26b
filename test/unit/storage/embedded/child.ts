// Another process on an embedded data directory, driven by the tests beside it. `open` prints the cluster id; `write` writes
// until it is killed and prints what was acknowledged; `append` appends once per line it reads; `full` writes until the
// store refuses, a few times more, and says how each write ended.
import { createInterface } from 'node:readline'
import { EMBEDDED_INLINE_BYTES_MAX } from '../../../../lib/base/limits.ts'
import { openEmbeddedStores } from '../../../../lib/storage/embedded/embedded.ts'
import type { Stores } from '../../../../lib/storage/ports.ts'

const [mode, dir = ''] = process.argv.slice(2)

function keyOf(n: number): string {
  return `segment/${(n & 0xff).toString(16).padStart(2, '0')}/1/000000000001-${String(n).padStart(26, '0')}`
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Appends one entry, sealing where the tail is full. */
async function append({ journal }: Stores, text: string): Promise<string> {
  for (;;) {
    const read = await journal.readHead()
    if (read.kind !== 'found') return read.kind
    const { head } = read
    if (head.tail.length >= 16) {
      const begun = await journal.beginSeal(head)
      if (begun.kind === 'applied') {
        const texts = begun.head.sealed.map((entry) => Buffer.from(entry).toString())
        await journal.putChunk(head.generation, Buffer.from(texts.join(',')))
        await journal.finishSeal({ ...begun.head, hash: new Uint8Array(32) })
      } else if (begun.kind !== 'rejected') return begun.kind
      continue
    }
    const outcome = await journal.append({ ...head, entries: [Buffer.from(text)] })
    if (outcome.kind !== 'rejected') return outcome.kind
  }
}

async function write(stores: Stores, tag: string): Promise<void> {
  for (let n = 0; ; n++) {
    const size = n % 4 === 0 ? EMBEDDED_INLINE_BYTES_MAX + 1 + n : 500 + n
    const put = await stores.objects.put(keyOf(n), [Buffer.alloc(size, n & 0xff)], { withNextAppend: n % 2 === 1 })
    const appended = await append(stores, `${tag}:${n}`)
    const document = await stores.documents.put(`docs/${n}`, Buffer.from(String(n)), 0)
    if (put.kind === 'applied' && appended === 'applied' && document.kind === 'applied') say(`${n} ${size}`)
  }
}

async function fill(stores: Stores): Promise<void> {
  let refusals = 0
  for (let n = 1; refusals < 5; n++) {
    const put = await stores.objects.put(keyOf(n), [Buffer.alloc(60_000, n & 0xff)], { withNextAppend: true })
    const appended = await append(stores, `full:${n}`)
    if (appended !== 'applied') refusals++
    say(`${n} ${put.kind} ${appended}`)
  }
}

const outcome = await openEmbeddedStores({ dir })
if (outcome.kind === 'refused') {
  say(outcome.message)
} else {
  const { stores } = outcome
  await stores.journal.init()
  say(outcome.clusterId)
  if (mode === 'write') await write(stores, `p${process.pid}`)
  if (mode === 'full') await fill(stores)
  if (mode === 'append') {
    for await (const line of createInterface({ input: process.stdin })) say(`${line} ${await append(stores, line)}`)
  }
  await stores.close()
}
