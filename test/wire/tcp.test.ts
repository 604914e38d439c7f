import { describe, expect, it } from 'vitest';
import { isTcpChecksumValid, parseTcp, TcpFlag, writeTcp, writeTcpChecksum } from '../../src/wire/tcp.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const IP = '45000037432100004006b39cc0000201c0000202';
const HEADER = '9c40005089abcdef0123456780181000d4900000';
const OPTIONS = '0101080a0000000100000002';
const PACKET = fromHex(`ff ${IP} ${HEADER} ${OPTIONS} 6f6464`);
const FIELDS = {
  headerBytes: 32,
  sourcePort: 40000,
  destinationPort: 80,
  sequence: 0x89ab_cdef,
  acknowledgement: 0x0123_4567,
  flags: TcpFlag.PSH | TcpFlag.ACK,
  window: 4096,
  checksum: 0xd490,
  urgent: 0,
};

describe('a TCP header', () => {
  it('is constructed but for its options', () => {
    const u8 = dirty(22);
    expect(writeTcp(u8, 1, FIELDS)).toBe(32);
    expect(toHex(u8)).toBe(`a5${HEADER}a5`);
  });

  it('is parsed', () => {
    expect(parseTcp(PACKET, 21, 35)).toEqual(FIELDS);
  });

  it('has 20 bytes and zeros unless told otherwise', () => {
    const u8 = dirty(20);
    expect(writeTcp(u8, 0, { sourcePort: 1, destinationPort: 2 })).toBe(20);
    expect(toHex(u8)).toBe('0001000200000000000000005000000000000000');
  });

  it('is not found where its length contradicts the packet', () => {
    expect(parseTcp(PACKET, 21, 31)).toBeUndefined();
    expect(parseTcp(PACKET, 21, 19)).toBeUndefined();
    const short = PACKET.slice();
    short[33] = 0x40;
    expect(parseTcp(short, 21, 35)).toBeUndefined();
  });

  it('gets the checksum that an independent program computed, whatever stood there', () => {
    const u8 = PACKET.slice();
    expect(isTcpChecksumValid(u8, 1, 21, 35)).toBe(true);
    u8.fill(0xa5, 37, 39);
    expect(isTcpChecksumValid(u8, 1, 21, 35)).toBe(false);
    writeTcpChecksum(u8, 1, 21, 35);
    expect(toHex(u8)).toBe(toHex(PACKET));
  });
});
