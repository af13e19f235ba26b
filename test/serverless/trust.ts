// Has each test process trust the certificate of the emulator and of the harness in front of it.
import { trustHere } from './certificate.ts'

trustHere()
