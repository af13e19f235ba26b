// Takes the place of `snappy` in bundles: the native library is loaded by the first batch that has to be opened, which in
// most environments never comes. The bundler puts the platform's own package in for `snappy/native`.
import type * as Snappy from 'snappy'

declare function require(name: 'snappy/native'): typeof Snappy

const native = (): typeof Snappy => require('snappy/native')

export const compress: typeof Snappy.compress = (...args) => native().compress(...args)
export const compressSync: typeof Snappy.compressSync = (...args) => native().compressSync(...args)
export const uncompress = (...args: Parameters<typeof Snappy.uncompress>) => native().uncompress(...args)
export const uncompressSync = (...args: Parameters<typeof Snappy.uncompressSync>) => native().uncompressSync(...args)
