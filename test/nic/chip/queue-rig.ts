import { PF } from '../card.ts';
import { ChipCard } from './driver.ts';

export const [MTQC, MRQC, GCR_EXT, PFVTCTL] = [0x8120, 0xec80, 0x11050, 0x51b0];
export const [PSRTYPE, RETA, RSSRK, RQTC, RTRUP2TC] = [0xea00, 0xeb00, 0xeb80, 0xec70, 0x3020];
export const [ETQF, ETQS, SYNQF] = [0x5128, 0xec00, 0xec30];
export const [SAQF, DAQF, SDPQF, FTQF, L34TIMIR] = [0xe000, 0xe200, 0xe400, 0xe600, 0xe800];
const RXPBSIZE = 0x3c00;
const [RXCTRL, RAL, RAH, MPSAR, PFVFRE, PFVML2FLT, FCTRL] = [
  0x3000, 0xa200, 0xa204, 0xa600, 0x51e0, 0xf000, 0x5080,
];
const AV = 1 << 31;
const [AUPE, BAM] = [1 << 24, 1 << 27];

/** Where the frames of `makePacket` go. */
export const TO = 0x0200_0000_0200;

/** A card that shows by its queues, none of which is enabled, where a frame from the wire would have gone. */
export class QueueCard extends ChipCard {
  private readonly offered: number[] = [];

  constructor() {
    super({ strict: true });
    const { receive } = this.nic.data;
    const { sink } = receive;
    receive.sink = {
      frameDropped: (queue, slot) => {
        this.offered.push(queue);
        sink.frameDropped(queue, slot);
      },
      frameReleased: (queue, slot) => sink.frameReleased(queue, slot),
      frameWritten: (queue, slot, index) => sink.frameWritten(queue, slot, index),
      statusWritten: (queue) => sink.statusWritten(queue),
      ringFailed: (queue) => sink.ringFailed(queue),
    };
  }

  /** Begins anew, as after a reset of the bus, and takes frames from the wire. */
  restart(): void {
    this.nic.hotReset();
    this.configWrite(PF, 0x04, 2, 0x0006);
    this.write(RXCTRL, 1);
    this.write(FCTRL, 1 << 10);
    // A class without a buffer would receive nothing.
    for (let i = 0; i < 8; i++) this.write(RXPBSIZE + 4 * i, 64 << 10);
  }

  /** Has a pool take what is for an address, and what is for all. */
  takes(pool: number, address: number, entry: number): void {
    this.write(RAL + 8 * entry, swap(Math.floor(address / 2 ** 16)));
    this.write(RAH + 8 * entry, (swap(address % 2 ** 16) >>> 16) | AV);
    this.write(MPSAR + 8 * entry, pool < 32 ? 1 << pool : 0);
    this.write(MPSAR + 8 * entry + 4, pool < 32 ? 0 : 1 << (pool - 32));
    const word = PFVFRE + 4 * (pool >> 5);
    this.write(word, this.read(word) | (1 << (pool & 31)));
    this.write(PFVML2FLT + 4 * pool, AUPE | BAM);
  }

  /** Puts the key of the verification suite into RSSRK, and `entries` into RETA. */
  scale(entries: (i: number) => number): void {
    for (const [i, word] of KEY.entries()) this.write(RSSRK + 4 * i, word);
    for (let i = 0; i < 32; i++) {
      const word = [0, 1, 2, 3].reduce((sum, j) => sum + entries(4 * i + j) * 2 ** (8 * j), 0);
      this.write(RETA + 4 * i, word);
    }
  }

  /** Queues that a frame from the wire is offered to. */
  queuesOf(bytes: Uint8Array): number[] {
    const { data } = this.nic;
    const slot = data.slotForWire(bytes.length);
    data.frames.u8.set(bytes, data.frames.offsetOf(slot));
    this.offered.length = 0;
    data.receiveFromWire(slot);
    this.delay(1);
    return [...this.offered];
  }
}

/** The 32 bits with their bytes the other way round. */
function swap(word: number): number {
  return ((word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff_0000) | (word << 24)) >>> 0;
}

/** The key of the verification suite, word by word with the first byte lowest. */
const KEY = [
  0xda56_5a6d, 0xc20e_5b25, 0x3d25_6741, 0xb08f_a343, 0xcb2b_cad0, 0xb430_7bae, 0xa32d_cb77, 0x0cf2_3080,
  0x3bb7_426a, 0xfa01_acbe,
];
