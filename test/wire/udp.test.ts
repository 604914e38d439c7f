import { describe, expect, it } from 'vitest';
import { isUdpChecksumValid, parseUdp, writeUdp, writeUdpChecksum } from '../../src/wire/udp.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const IP = '45b80021123440003f11a4dcc0000201c0000202';
const PACKET = fromHex(`ff ${IP} 1389138a000d10eb 68656c6c6f`);
const FIELDS = { sourcePort: 5001, destinationPort: 5002, totalBytes: 13, checksum: 0x10eb };

describe('a UDP header', () => {
  it('is constructed', () => {
    const u8 = dirty(10);
    expect(writeUdp(u8, 1, FIELDS)).toBe(8);
    expect(toHex(u8)).toBe('a51389138a000d10eba5');
  });

  it('is parsed', () => {
    expect(parseUdp(PACKET, 21, 13)).toEqual(FIELDS);
  });

  it('has no checksum unless told otherwise', () => {
    const u8 = dirty(8);
    writeUdp(u8, 0, { sourcePort: 1, destinationPort: 2, totalBytes: 8 });
    expect(toHex(u8)).toBe('0001000200080000');
  });

  it('is not found where its length contradicts the packet', () => {
    expect(parseUdp(PACKET, 21, 12)).toBeUndefined();
    expect(parseUdp(PACKET, 21, 7)).toBeUndefined();
    expect(parseUdp(fromHex('1389138a000710eb'), 0, 8)).toBeUndefined();
  });

  it('gets the checksum that an independent program computed, whatever stood there', () => {
    const u8 = PACKET.slice();
    expect(isUdpChecksumValid(u8, 1, 21)).toBe(true);
    for (const before of [0x0000, 0xffff, 0xa5a5]) {
      u8[27] = before;
      u8[28] = before >>> 8;
      writeUdpChecksum(u8, 1, 21);
      expect(toHex(u8)).toBe(toHex(PACKET));
    }
  });

  it('sends a checksum of zero as 0xffff, because zero means none', () => {
    const u8 = PACKET.slice();
    u8.fill(0, 29, 34);
    writeUdpChecksum(u8, 1, 21);
    // With its own checksum among the data, everything else sums up to zero.
    u8.copyWithin(29, 27, 29);
    writeUdpChecksum(u8, 1, 21);
    expect(toHex(u8.subarray(27, 29))).toBe('ffff');
    expect(isUdpChecksumValid(u8, 1, 21)).toBe(true);
  });

  it('is valid under IPv4 without a checksum', () => {
    const u8 = PACKET.slice();
    u8.fill(0, 27, 29);
    expect(isUdpChecksumValid(u8, 1, 21)).toBe(true);
  });

  it('shows a changed bit by its checksum', () => {
    const u8 = PACKET.slice();
    u8[33] ^= 1;
    expect(isUdpChecksumValid(u8, 1, 21)).toBe(false);
  });
});
