import type { BarWindow } from '../host/index.ts';

/** Flow control as the administrator wants it. */
export interface PortFlowControl {
  readonly heedsPause: boolean;
  readonly sendsPause: boolean;
  /** By priority (802.1Qbb), or PAUSE for all (802.3). */
  readonly priorities: boolean;
  /** Class of each of the eight priorities. */
  readonly classOf: readonly number[];
  /** Bytes of each class in the receive buffer, and where its sender stops and goes on; 0 if it is never stopped. */
  readonly classes: readonly { readonly bytes: number; readonly xoff: number; readonly xon: number }[];
  /** Bytes of the transmit buffer that the classes of VFs divide among them; without it they share it. */
  readonly transmitBufferBytes?: number;
}

// PF registers (82599 datasheet 8.2.3.3, 8.2.3.8.9, 8.2.3.10, 8.2.3.22.34).
const RTRUP2TC = 0x3020;
const FCTTV = 0x3200;
const FCRTL = 0x3220;
const FCRTL_XONE = 1 << 31;
const FCRTH = 0x3260;
const FCRTH_FCEN = 1 << 31;
const FCRTV = 0x32a0;
const RXPBSIZE = 0x3c00;
const FCCFG = 0x3d00;
const FCCFG_LINK = 1 << 3;
const FCCFG_PRIORITY = 2 << 3;
const MFLCN = 0x4294;
const MFLCN_RPFCE = 1 << 2;
const MFLCN_RFCE = 1 << 3;
const RTTUP2TC = 0xc800;
/** The longest pause, refreshed when half of it is left. */
const PAUSE_QUANTA = 0xffff;
const REFRESH_QUANTA = 0x8000;
const CLASSES = 8;

/** Sets up flow control of the port, in the order of 4.6.11.3.1 and 3.7.7.3.2: buffers, thresholds, times, enables. */
export function writeFlowControl(bar: BarWindow, setup: PortFlowControl): void {
  const { classes, classOf, priorities } = setup;
  let map = 0;
  for (const [priority, c] of classOf.entries()) map |= c << (3 * priority);
  bar.write32(RTRUP2TC, map >>> 0);
  bar.write32(RTTUP2TC, map >>> 0);
  for (let c = 0; c < CLASSES; c++) {
    const { bytes, xoff, xon } = classes[c] ?? { bytes: 0, xoff: 0, xon: 0 };
    const stops = setup.sendsPause && xoff > 0;
    bar.write32(RXPBSIZE + 4 * c, bytes);
    bar.write32(FCRTL + 4 * c, stops ? (xon | FCRTL_XONE) >>> 0 : 0);
    bar.write32(FCRTH + 4 * c, stops ? (xoff | FCRTH_FCEN) >>> 0 : 0);
  }
  for (let pair = 0; pair < CLASSES / 2; pair++) {
    bar.write32(FCTTV + 4 * pair, ((PAUSE_QUANTA << 16) | PAUSE_QUANTA) >>> 0);
  }
  bar.write32(FCRTV, REFRESH_QUANTA);
  if (setup.heedsPause) bar.write32(MFLCN, priorities ? MFLCN_RPFCE : MFLCN_RFCE);
  if (setup.sendsPause) bar.write32(FCCFG, priorities ? FCCFG_PRIORITY : FCCFG_LINK);
}
