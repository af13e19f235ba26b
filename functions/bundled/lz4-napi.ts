// Takes the place of `lz4-napi` in bundles: the native library is loaded by the first batch that has to be opened, which in
// most environments never comes. The bundler puts the platform's own package in for `lz4-napi/native`.
import type * as Lz4 from 'lz4-napi'

declare function require(name: 'lz4-napi/native'): typeof Lz4

const native = (): typeof Lz4 => require('lz4-napi/native')

export const compressFrame: typeof Lz4.compressFrame = (...args) => native().compressFrame(...args)
export const compressFrameSync: typeof Lz4.compressFrameSync = (...args) => native().compressFrameSync(...args)
export const decompressFrame: typeof Lz4.decompressFrame = (...args) => native().decompressFrame(...args)
export const decompressFrameSync: typeof Lz4.decompressFrameSync = (...args) => native().decompressFrameSync(...args)
