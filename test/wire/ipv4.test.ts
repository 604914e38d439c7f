import { describe, expect, it } from 'vitest';
import { formatIpv4, IpProtocol, isIpv4ChecksumValid, parseIpv4, writeIpv4 } from '../../src/wire/ipv4.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const HEADER = '45b80021123440003f11a4dcc0000201c0000202';
const FIELDS = {
  trafficClass: 0xb8,
  totalBytes: 33,
  identification: 0x1234,
  dontFragment: true,
  moreFragments: false,
  fragmentOffset: 0,
  timeToLive: 63,
  protocol: IpProtocol.UDP,
  source: 0xc000_0201,
  destination: 0xc000_0202,
};
const PACKET = fromHex(`ff ${HEADER} 1389138a000d10eb 68656c6c6f`);

describe('an IPv4 header', () => {
  it('is constructed', () => {
    const u8 = dirty(22);
    expect(writeIpv4(u8, 1, FIELDS)).toBe(20);
    expect(toHex(u8)).toBe(`a5${HEADER}a5`);
  });

  it('is parsed', () => {
    expect(parseIpv4(PACKET, 1, 33)).toEqual({ ...FIELDS, headerBytes: 20 });
    expect(isIpv4ChecksumValid(PACKET, 1)).toBe(true);
  });

  it('has its fragment offset in units of eight bytes', () => {
    const u8 = dirty(20);
    writeIpv4(u8, 0, {
      ...FIELDS,
      totalBytes: 20,
      dontFragment: false,
      moreFragments: true,
      fragmentOffset: 1480,
    });
    expect(toHex(u8.subarray(6, 8))).toBe('20b9');
    expect(parseIpv4(u8, 0, 20)).toMatchObject({ moreFragments: true, fragmentOffset: 1480 });
  });

  it('counts its options', () => {
    const u8 = fromHex(`46000018 00000000 40000000 c0000201 c0000202 94040000`);
    expect(parseIpv4(u8, 0, 24)).toMatchObject({ headerBytes: 24, totalBytes: 24 });
  });

  it('is not found where versions or lengths contradict it', () => {
    const change = (at: number, value: number, bytes = 33) => {
      const u8 = PACKET.slice(1);
      u8[at] = value;
      return parseIpv4(u8, 0, bytes);
    };
    expect(change(0, 0x65)).toBeUndefined(); // another version
    expect(change(0, 0x44)).toBeUndefined(); // 16 bytes of header
    expect(change(3, 19)).toBeUndefined(); // shorter than its header
    expect(change(3, 34)).toBeUndefined(); // longer than the frame
    expect(change(3, 33, 19)).toBeUndefined();
    expect(change(3, 33)).toBeDefined();
  });

  it('shows a changed bit by its checksum', () => {
    const u8 = PACKET.slice(1);
    u8[8]--;
    expect(isIpv4ChecksumValid(u8, 0)).toBe(false);
  });

  it('has addresses of four decimal numbers', () => {
    expect(formatIpv4(0xc000_0201)).toBe('192.0.2.1');
    expect(formatIpv4(0xffff_ffff)).toBe('255.255.255.255');
  });
});
