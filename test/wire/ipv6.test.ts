import { describe, expect, it } from 'vitest';
import { IpProtocol } from '../../src/wire/ipv4.ts';
import { parseIpv6, writeIpv6 } from '../../src/wire/ipv6.ts';
import { isUdpChecksumValid, writeUdpChecksum } from '../../src/wire/udp.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const SOURCE = '20010db8000000000000000000000001';
const DESTINATION = '20010db8000000000000000000000002';
const HEADER = `62eabcde000d113d${SOURCE}${DESTINATION}`;
const FIELDS = {
  trafficClass: 0x2e,
  flowLabel: 0xa_bcde,
  payloadBytes: 13,
  nextHeader: IpProtocol.UDP,
  hopLimit: 61,
  source: fromHex(SOURCE),
  destination: fromHex(DESTINATION),
};
const PACKET = fromHex(`ff ${HEADER} 1389138a000d397a 68656c6c6f`);

describe('an IPv6 header', () => {
  it('is constructed', () => {
    const u8 = dirty(42);
    expect(writeIpv6(u8, 1, FIELDS)).toBe(40);
    expect(toHex(u8)).toBe(`a5${HEADER}a5`);
  });

  it('is parsed', () => {
    expect(parseIpv6(PACKET, 1, 53)).toEqual(FIELDS);
  });

  it('is not found where version or length contradict it', () => {
    expect(parseIpv6(PACKET, 1, 52)).toBeUndefined();
    expect(parseIpv6(PACKET, 1, 39)).toBeUndefined();
    expect(parseIpv6(fromHex(HEADER.replace('62', '42')), 0, 53)).toBeUndefined();
  });

  it('is covered by the checksum of UDP', () => {
    const u8 = PACKET.slice();
    expect(isUdpChecksumValid(u8, 1, 41)).toBe(true);
    u8[47] = 0xa5;
    expect(isUdpChecksumValid(u8, 1, 41)).toBe(false);
    writeUdpChecksum(u8, 1, 41);
    expect(toHex(u8)).toBe(toHex(PACKET));
  });

  it('does not let UDP go without a checksum', () => {
    const u8 = PACKET.slice();
    u8.fill(0, 47, 49);
    expect(isUdpChecksumValid(u8, 1, 41)).toBe(false);
  });
});
