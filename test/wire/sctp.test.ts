import { describe, expect, it } from 'vitest';
import { isSctpChecksumValid, parseSctp, writeSctp, writeSctpChecksum } from '../../src/wire/sctp.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const PACKET = fromHex('ff 03e807d0deadbeefdd68e578 0003001400000001000200030000000461626364');
const FIELDS = { sourcePort: 1000, destinationPort: 2000, verificationTag: 0xdead_beef };

describe('an SCTP common header', () => {
  it('is constructed', () => {
    const u8 = dirty(14);
    expect(writeSctp(u8, 1, FIELDS)).toBe(12);
    expect(toHex(u8)).toBe('a503e807d0deadbeef00000000a5');
  });

  it('is parsed', () => {
    expect(parseSctp(PACKET, 1, 32)).toEqual(FIELDS);
    expect(parseSctp(PACKET, 1, 11)).toBeUndefined();
  });

  it('gets the checksum that an independent program computed, whatever stood there', () => {
    const u8 = PACKET.slice();
    expect(isSctpChecksumValid(u8, 1, 32)).toBe(true);
    u8.fill(0xa5, 9, 13);
    expect(isSctpChecksumValid(u8, 1, 32)).toBe(false);
    writeSctpChecksum(u8, 1, 32);
    expect(toHex(u8)).toBe(toHex(PACKET));
  });
});
