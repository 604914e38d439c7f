/** Register tables: definition, soundness, compilation to typed arrays, register files, decoding for people. */
export { type CompiledTable, compileTable } from './compile.ts';
export {
  type DecodedField,
  type DecodedRegister,
  decodeRegister,
  decodeTable,
  formatDecoded,
  type RegisterRead,
} from './decode.ts';
export { tableProblems } from './problems.ts';
export {
  type ReadHook,
  RegisterFile,
  type RegisterFileOptions,
  type UnknownAccess,
  type WriteHook,
} from './register-file.ts';
export {
  type Access,
  bit,
  bits,
  elementCount,
  elementOffset,
  maskOf,
  type RegisterField,
  type RegisterRow,
  type RegisterSegment,
  type RegisterTable,
  resetOf,
} from './table.ts';
