import type { RegisterRow } from '../../registers/index.ts';
import type { FunctionContext } from './capability.ts';

/** Reads `bytes` at an offset from the start of a capability. */
export type ReadDump = (offset: number, bytes: number) => number;

/**
 * A capability that dumps can be explained by: what it is called, and its registers, given its contents, and whether it is of
 * a root port or a root complex's event collector.
 */
export interface KnownCapability {
  readonly name: string;
  readonly rows: (read: ReadDump, context: FunctionContext, isRoot: boolean) => RegisterRow[];
}
