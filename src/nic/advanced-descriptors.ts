import type { ReceiveFormat, TransmitDescriptor, TransmitFormat } from '../dma/index.ts';

/**
 * Advanced descriptors of the 82599 (datasheet 7.2.3.2.4 for transmit, 7.1.6 for receive), as double words:
 *
 *     transmit read     0,1 address   2 DTALEN 15:0, DTYP 23:20, DCMD 31:24   3 STA 3:0, IDX 6:4, POPTS 13:8, PAYLEN 31:14
 *     transmit done     0,1 reserved  2 reserved                             3 DD 0
 *     receive read      0,1 packet buffer address                            2,3 header buffer address
 *     receive done      0 type        1 RSS hash                             2 status and error   3 length 15:0, VLAN 31:16
 */

/** DTYP of an advanced data descriptor; a context descriptor has 2. */
export const DTYP_DATA = 3 << 20;
const DTYP_MASK = 0xf << 20;
/** DCMD bits, at their place in double word 2. */
export const DCMD_EOP = 1 << 24;
export const DCMD_IFCS = 1 << 25;
export const DCMD_RS = 1 << 27;
export const DCMD_DEXT = 1 << 29;
export const DCMD_VLE = 1 << 30;
/** Descriptor Done, in the last double word of a transmit and the third of a receive descriptor. */
export const STATUS_DD = 1 << 0;
/** End Of Packet. */
export const STATUS_EOP = 1 << 1;
/** VLAN Packet: the tag has been taken out and stands in the descriptor. */
export const STATUS_VP = 1 << 3;

/** A host addresses below 2^52; what a driver writes above is cut, and then refused on translation. */
const HIGH_MASK = 0xfffff;
const HIGH_UNIT = 2 ** 32;

/** Advanced transmit descriptors; see the top of this file. */
export class AdvancedTransmitFormat implements TransmitFormat {
  read(cache: Int32Array, word: number, into: TransmitDescriptor): void {
    const command = cache[word + 2];
    into.isData = (command & (DTYP_MASK | DCMD_DEXT)) === (DTYP_DATA | DCMD_DEXT) ? 1 : 0;
    into.address = (cache[word] >>> 0) + (cache[word + 1] & HIGH_MASK) * HIGH_UNIT;
    into.bytes = command & 0xffff;
    into.endOfPacket = (command & DCMD_EOP) !== 0 ? 1 : 0;
    into.reportStatus = (command & DCMD_RS) !== 0 ? 1 : 0;
  }

  writeDone(cache: Int32Array, word: number): void {
    cache[word] = 0;
    cache[word + 1] = 0;
    cache[word + 2] = 0;
    cache[word + 3] = STATUS_DD;
  }
}

/** Advanced receive descriptors, one buffer (DESCTYPE 001b); see the top of this file. */
export class AdvancedReceiveFormat implements ReceiveFormat {
  readAddress(cache: Int32Array, word: number, into: { address: number }): void {
    into.address = (cache[word] >>> 0) + (cache[word + 1] & HIGH_MASK) * HIGH_UNIT;
  }

  writeBack(cache: Int32Array, word: number, bytes: number, endOfPacket: boolean, tci: number): void {
    cache[word] = 0;
    cache[word + 1] = 0;
    cache[word + 2] = STATUS_DD | (endOfPacket ? STATUS_EOP : 0) | (tci >= 0 ? STATUS_VP : 0);
    cache[word + 3] = bytes | (tci >= 0 ? tci << 16 : 0);
  }
}
