// Takes the place of `re2js` in bundles: it is loaded when a pattern is first compiled, which in most environments never
// happens. The bundler puts the file with the package in for `re2js/package`.
import type * as Re2js from 're2js'

declare function require(name: 're2js/package'): typeof Re2js

const library = (): typeof Re2js => require('re2js/package')

export const RE2JS = { compile: (pattern: string) => library().RE2JS.compile(pattern) }
export const RE2JSException = { [Symbol.hasInstance]: (error: unknown) => error instanceof library().RE2JSException }
