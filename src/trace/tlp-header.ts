import { byteEnablesOf, MessageRouting, messageOf, type TlpHeader, TlpKind } from '../pcie/index.ts';
import type { SingleTlp } from './tlp-cut.ts';
import type { TlpFunctions } from './tlp-functions.ts';
import { carriesData } from './tlp-kinds.ts';

/** Addresses below are offsets in a configuration space: no BAR lies there. */
const CONFIG_BYTES = 4096;
/** Byte Count of completions that answer no memory read (PCI Express Base 2.2.9). */
const REGISTER_BYTES = 4;

/**
 * The header that a TLP has on the link. What the log has no trace of is as in a machine that makes no use of it:
 * traffic class 0, no attributes, the root complex's Routing ID 0. A tag that is not known is 0.
 */
export function tlpHeaderOf(tlp: SingleTlp, functions: TlpFunctions): TlpHeader {
  const { kind, requester, address, bytes, poisoned } = tlp;
  const common = { requester, tag: tlp.tag ?? 0, poisoned };
  const lanes = byteEnablesOf(address, bytes === 0 ? 1 : bytes);
  switch (kind) {
    case TlpKind.MEMORY_READ:
      return { ...common, kind, ...lanes };
    case TlpKind.MEMORY_WRITE: {
      const isRegister = tlp.downstream && tlp.byteEnables !== 0;
      return { ...common, kind, ...lanes, ...(isRegister ? { firstEnables: tlp.byteEnables } : {}) };
    }
    case TlpKind.CONFIG_READ:
    case TlpKind.CONFIG_WRITE: {
      const { firstEnables, address: register } = lanes;
      return { ...common, kind, configType: tlp.configType, target: tlp.target, register, firstEnables };
    }
    case TlpKind.MESSAGE: {
      const code = tlp.word ?? 0;
      return { ...common, kind, routing: messageOf(code)?.routings[0] ?? MessageRouting.TO_ROOT, code };
    }
    default:
      return {
        ...common,
        kind,
        completer: completerOf(tlp, functions),
        status: tlp.status as 0 | 1 | 2 | 4,
        byteCount: isOfMemoryRead(tlp) && tlp.byteCount > 0 ? tlp.byteCount : REGISTER_BYTES,
        lowerAddress: isOfMemoryRead(tlp) && kind === TlpKind.COMPLETION_DATA ? address % 0x80 : 0,
        words: kind === TlpKind.COMPLETION_DATA ? lanes.words : 0,
      };
  }
}

/**
 * The payload, as far as the log has it: the double word of a register access or message, in the byte lanes that are
 * enabled. Null for a payload that the log does not have; no bytes for a TLP without data.
 */
export function tlpPayloadOf({ kind, word, address, bytes }: SingleTlp): Uint8Array | null {
  if (!carriesData(kind)) return new Uint8Array(0);
  if (word === null) return null;
  const payload = new Uint8Array(4);
  // A register access of less than a double word has its value in the low bits.
  for (let i = 0, lane = address % 4; i < bytes && lane < 4; i++, lane++) payload[lane] = word >>> (8 * i);
  return payload;
}

/** Whether a completion answers a memory read, as far as can be told. */
function isOfMemoryRead({ answers, address }: SingleTlp): boolean {
  return answers === null ? address >= CONFIG_BYTES : answers === TlpKind.MEMORY_READ;
}

/** The root complex answers the device; software is answered by the function whose register it is. */
function completerOf(tlp: SingleTlp, functions: TlpFunctions): number {
  if (tlp.downstream) return 0;
  if (!isOfMemoryRead(tlp)) return tlp.target;
  return functions.placeOf(tlp.address)?.function ?? functions.first;
}
