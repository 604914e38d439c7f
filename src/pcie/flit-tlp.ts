import { DATA_LINK_OVERHEAD_BYTES, TlpKind } from './tlp.ts';
import type { Tlp } from './tlp-pool.ts';

/** What of a TLP says whether it has Orthogonal Header Content. */
export interface OhcQuestion {
  readonly kind: TlpKind;
  /** Of its first byte; of a configuration request, and its completion, the register number. */
  readonly address: number;
  readonly bytes: number;
  /** Completion Status. */
  readonly status: number;
  /** Whether software asks, or is answered: it reaches memory spaces that are not in the first page, and registers. */
  readonly isRegister: boolean;
}

/** Bytes of one double word of Orthogonal Header Content (OHC). */
export const OHC_BYTES = 4;
/** Registers of a function. */
const CONFIGURATION_BYTES = 4096;

/**
 * Bytes of the Orthogonal Header Content of a TLP (PCI Express Base 6.0 2.2.1.2): a memory request that leaves bytes of its
 * first or last double word out has OHC-A1 with its byte enables, a configuration request OHC-A3 always, and a
 * completion OHC-A5 if its status is not successful or its Lower Address is within a double word. Lower Address is 0 in
 * answers to configuration requests.
 */
export function ohcBytes({ kind, address, bytes, status, isRegister }: OhcQuestion): number {
  let has = kind === TlpKind.CONFIG_READ || kind === TlpKind.CONFIG_WRITE;
  if (kind === TlpKind.COMPLETION || kind === TlpKind.COMPLETION_DATA) {
    const hasAddress = !isRegister || address >= CONFIGURATION_BYTES;
    has = (status & 7) !== 0 || (hasAddress && (address & 3) !== 0);
  } else if (kind === TlpKind.MEMORY_READ || kind === TlpKind.MEMORY_WRITE) {
    has = ((address | (address + bytes)) & 3) !== 0;
  }
  return has ? OHC_BYTES : 0;
}

/**
 * Bytes that a train takes in Flit Mode: headers, Orthogonal Header Content and payload, without the framing, sequence numbers
 * and LCRCs that are in its `linkBytes`.
 */
export function flitModeBytes(tlp: Tlp): number {
  const { kind, count, address, bytes, status } = tlp;
  const isRegister = tlp.store === null;
  const base = tlp.linkBytes - count * DATA_LINK_OVERHEAD_BYTES;
  if (count === 1) return base + ohcBytes({ kind, address, bytes, status, isRegister });
  // Only the first TLP of a train can begin within a double word, and only the last can end there.
  const first = ohcBytes({ kind, address, bytes: 4 - (address & 3), status, isRegister });
  return base + first + ohcBytes({ kind, address: 0, bytes: (address + bytes) & 3, status, isRegister });
}
