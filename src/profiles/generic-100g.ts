import type { NicProfile } from '../nic/index.ts';
import { genericNic } from './generic-nic.ts';

/**
 * No card that can be bought: the generic one with a port of up to 100 Gb/s, a link to match, a receive buffer that
 * classes share, and ECN. All its numbers but those of Ethernet and PCI Express are estimates of what such cards have.
 */
export const generic100g: NicProfile = Object.freeze({
  ...genericNic,
  name: 'generic-100g',
  linkGbps: [1, 10, 25, 40, 100],
  pcie: {
    ...genericNic.pcie,
    // PCI Express 4.0, 16 GT/s, sixteen lanes: 252 Gb/s.
    rate: { generation: 4, lanes: 16 },
  },
  // Extended tags.
  tags: 256,
  transmitBufferBytes: 512 * 1024,
  receiveBufferBytes: 1024 * 1024,
  // 64 bytes a cycle at 400 MHz carry 205 Gb/s: both directions of the port.
  coreClockPs: 2500,
  switchCycles: 40,
  switchCyclesPerFrame: 1,
  switchBytesPerCycle: 64,
  // A share of two thirds for one class alone, of a half of that for each of two and so on (alpha 2).
  sharedBuffer: { reservedBytes: 16 * 1024, alpha: 2, headroomBytes: 64 * 1024 },
  // A step, as data centre TCP wants it (RFC 8257 section 4.1): 64 KiB are 5 us at 100 Gb/s.
  ecn: { minBytes: 64 * 1024, maxBytes: 64 * 1024, maxProbability: 1, nonEct: 'pass' as const },
});
