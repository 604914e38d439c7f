import type { TransmitShare } from '../dma/index.ts';
import type { RegisterFile } from '../registers/index.ts';
import { PRIORITIES } from '../wire/index.ts';
import type { NicProfile } from './profile.ts';

const KIB = 1024;
/** TXPBSIZE.SIZE counts KiB from bit 10 on: masked, the register is a number of bytes. */
const SIZE = 0xffc00;
/** TXPBTHRESH.THRESH, in KiB. */
const THRESHOLD = 0x3ff;
/** What the data sheet leaves below the size of the one buffer after a reset: 0xa0 and 0x96. */
const RESET_MARGIN_KIB = 10;
/** Frame slots that no class of the transmit buffer can fill: they are left to what is received. */
const OTHER_SLOTS = 1024;

/** Registers that divide the transmit packet buffer among traffic classes. */
export const TRANSMIT_BUFFER_REGISTERS = ['TXPBSIZE', 'TXPBTHRESH'] as const;

/** Whether registers give traffic classes but the first a part of the transmit packet buffer. */
export function dividesTransmitBuffer(file: RegisterFile): boolean {
  for (let c = 1; c < PRIORITIES; c++) if ((file.get('TXPBSIZE', c) & SIZE) !== 0) return true;
  return false;
}

/** After a reset the first class has all of the transmit packet buffer: all share it. */
export function resetTransmitBuffer(file: RegisterFile, bufferBytes: number): void {
  file.set('TXPBSIZE', bufferBytes & SIZE);
  file.set('TXPBTHRESH', bufferBytes / KIB - RESET_MARGIN_KIB);
}

/**
 * The parts of the transmit packet buffer as registers give them, or null while all classes share it.
 *
 * A class has TXPBSIZE bytes, as far as there is memory (the parts of lower classes first: on an 82599 they
 * are 160 KiB together at most), and fetches while no more than TXPBTHRESH is in it (8.2.3.9.13, 8.2.3.9.16).
 * Above a threshold that leaves no room for the longest frame it does not either. A part is one of the model's
 * frame slots as well, so that many small frames of one class do not leave the others without.
 */
export function readTransmitShares(file: RegisterFile, profile: NicProfile): TransmitShare[] | null {
  if (!dividesTransmitBuffer(file)) return null;
  const { transmitBufferBytes, maxFrameBytes, frameSlots } = profile;
  const slots = Math.max(PRIORITIES, frameSlots - OTHER_SLOTS);
  let left = transmitBufferBytes;
  return Array.from({ length: PRIORITIES }, (_, c) => {
    const bytes = Math.min(left, file.get('TXPBSIZE', c) & SIZE);
    left -= bytes;
    return {
      thresholdBytes: Math.min((file.get('TXPBTHRESH', c) & THRESHOLD) * KIB, bytes - maxFrameBytes),
      frames: Math.max(1, Math.floor((slots * bytes) / transmitBufferBytes)),
    };
  });
}
