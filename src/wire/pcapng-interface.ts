import { checkNoFcs } from './capture-checks.ts';
import { CaptureError, type CaptureInterface } from './capture-types.ts';
import { END_OF_OPTIONS, IF_FCSLEN, IF_NAME, IF_TSOFFSET, IF_TSRESOL } from './pcapng-codes.ts';

/** An Interface Description Block, as far as packets depend on it. */
export interface InterfaceDescription extends CaptureInterface {
  /** Longest part of a packet that was kept, in bytes; 0 for no limit. */
  readonly snapLength: number;
  /** Picoseconds since the epoch of a time stamp, in units of the interface; rounded down. */
  timePs(timestamp: bigint): bigint;
}

const OPTIONS_OFFSET = 16;

const SECOND_PS = 1_000_000_000_000n;

/**
 * The Interface Description Block at `at`, whose options end at `end`.
 *
 * @throws CaptureError for every defect.
 */
export function parseInterfaceDescription(
  file: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  littleEndian: boolean,
): InterfaceDescription {
  let name = '';
  let unitsPerSecond = 1_000_000n;
  let offsetPs = 0n;
  for (const { code, start, length } of optionsOf(view, at + OPTIONS_OFFSET, end, littleEndian)) {
    switch (code) {
      case IF_NAME:
        name = new TextDecoder().decode(file.subarray(start, start + length));
        break;
      case IF_TSRESOL:
        checkOptionLength('if_tsresol', length, 1, start);
        unitsPerSecond = resolution(file[start]);
        break;
      case IF_FCSLEN:
        checkOptionLength('if_fcslen', length, 1, start);
        checkNoFcs(file[start], start);
        break;
      case IF_TSOFFSET:
        checkOptionLength('if_tsoffset', length, 8, start);
        offsetPs = view.getBigInt64(start, littleEndian) * SECOND_PS;
        break;
    }
  }
  return {
    name,
    snapLength: view.getUint32(at + 12, littleEndian),
    timePs: (timestamp) => (timestamp * SECOND_PS) / unitsPerSecond + offsetPs,
  };
}

interface Option {
  readonly code: number;
  readonly start: number;
  readonly length: number;
}

/** Options have a code, a length and a value that is padded to a multiple of four; the list may lack its end mark. */
function optionsOf(view: DataView, first: number, end: number, littleEndian: boolean): Option[] {
  const options: Option[] = [];
  let at = first;
  while (at < end) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === END_OF_OPTIONS) break;
    const start = at + 4;
    if (length > end - start) {
      throw new CaptureError(`option ${code} has ${length} bytes, but its block has ${end - start} left`, at);
    }
    options.push({ code, start, length });
    at = start + Math.ceil(length / 4) * 4;
  }
  return options;
}

/** if_tsresol: the negative power of ten, or of two when the top bit is set. */
function resolution(value: number): bigint {
  return (value & 0x80) === 0 ? 10n ** BigInt(value) : 2n ** BigInt(value & 0x7f);
}

function checkOptionLength(name: string, length: number, expected: number, fileOffset: number): void {
  if (length !== expected) {
    throw new CaptureError(`option ${name} has ${length} bytes instead of ${expected}`, fileOffset);
  }
}
