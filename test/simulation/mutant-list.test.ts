// The list of mutants ages with the code: this test says so at once, instead of the long run that applies them.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { MUTANTS } from './mutant-list.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

it.each(MUTANTS)('$name finds its text exactly once', ({ edits, beside }) => {
  for (const { file, search, replace } of [...edits, ...(beside ?? [])]) {
    expect(readFileSync(`${root}/${file}`, 'utf8').split(search).length - 1, `${file}: ${search}`).toBe(1)
    expect(replace).not.toBe(search)
  }
})
