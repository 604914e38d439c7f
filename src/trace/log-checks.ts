import { crc32 } from '../wire/index.ts';
import { getUint53, LOG_HEADER_CHECK } from './log-encoding.ts';
import { LOG_RECORD_BYTES, LogError, type LogHeader, LogKind } from './log-format.ts';
import { xxh32 } from './xxh32.ts';

/**
 * Checks the header of a log against its checksum.
 *
 * @param bytes of the header.
 * @throws {@link LogError}
 */
export function checkHeaderSum(head: Uint8Array, view: DataView): void {
  // The slice() of a Buffer is none.
  const copy = new Uint8Array(head);
  copy.fill(0, LOG_HEADER_CHECK, LOG_HEADER_CHECK + 4);
  if (xxh32(copy, 0, copy.length) !== view.getUint32(LOG_HEADER_CHECK, true))
    throw new LogError(`is damaged: bytes 0 to ${head.length - 1}, its header, do not have their checksum`);
}

/**
 * Checks what the header says twice: seed and scenario.
 *
 * @throws {@link LogError}
 */
export function checkScenario({ scenario, scenarioCrc32, seed }: LogHeader, view: DataView): void {
  // As formatJson writes a scenario.
  const text = new TextEncoder().encode(`${JSON.stringify(scenario, null, 2)}\n`);
  const crc = crc32(text, 0, text.length);
  if (crc !== scenarioCrc32 || crc !== view.getUint32(32, true)) {
    const hex = view.getUint32(32, true).toString(16).padStart(8, '0');
    throw new LogError(`is damaged: its scenario does not have the CRC-32 ${hex} of its header`);
  }
  if (seed !== getUint53(view, 24)) throw new LogError('is damaged: its header has two seeds');
}

/** How far a log was found whole. */
export interface CheckedBlocks {
  /** CHECK records. */
  readonly checks: number;
  /** Byte behind the last of them, or where the records begin. */
  readonly end: number;
}

/**
 * Checks every block of records from byte `first` to byte `end` against the CHECK behind it.
 *
 * @throws {@link LogError} that names the records of a block that is damaged.
 */
export function checkBlocks(bytes: Uint8Array, view: DataView, first: number, end: number): CheckedBlocks {
  let checks = 0;
  let from = first;
  for (let at = first; at + LOG_RECORD_BYTES <= end; at += LOG_RECORD_BYTES) {
    if (view.getInt32(at, true) !== LogKind.CHECK) continue;
    const isWhole =
      view.getUint32(at + 4, true) === xxh32(bytes, from, at - from) &&
      view.getInt32(at + 8, true) === (at - from) / LOG_RECORD_BYTES &&
      view.getInt32(at + 12, true) === 0 &&
      getUint53(view, at + 16) === (at - first) / LOG_RECORD_BYTES;
    if (!isWhole) throw damaged(first, from, at);
    checks++;
    from = at + LOG_RECORD_BYTES;
  }
  return { checks, end: from };
}

/** Records from byte `from` up to their CHECK at `to` are not what was written. */
export function damaged(first: number, from: number, to: number): LogError {
  const number = (at: number) => (at - first) / LOG_RECORD_BYTES;
  return new LogError(
    `is damaged: records ${number(from)} to ${number(to)}, at bytes ${from} to ${to + LOG_RECORD_BYTES - 1}, do not have their checksum`,
  );
}
