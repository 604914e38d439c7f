import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ecn, findIpHeader, isIpHeaderValid, readEcn, writeEcn } from '../../src/wire/ecn.ts';
import { writeIpv4 } from '../../src/wire/ipv4.ts';
import { writeIpv6 } from '../../src/wire/ipv6.ts';
import { dirty, fromHex } from './bytes.ts';

const ADDRESSES = '020000000101 020000000102';

describe('the ECN bits', () => {
  it.each([0, 1, 2, 3] as const)('of IPv4 are the lowest two of the second byte: %d', (ecn) => {
    const u8 = dirty(20);
    writeIpv4(u8, 0, { totalBytes: 20, protocol: 17, source: 1, destination: 2, trafficClass: 0xb8 | ecn });
    expect(readEcn(u8, 0)).toBe(ecn);
  });

  it('of IPv6 are in bits 5:4 of the second byte, and the flow label beside them stays', () => {
    const u8 = fromHex(`6012 3456 ${'00'.repeat(36)}`);
    expect(readEcn(u8, 0)).toBe(Ecn.ECT1);
    writeEcn(u8, 0, Ecn.CE);
    expect([...u8.subarray(0, 4)]).toEqual([0x60, 0x32, 0x34, 0x56]);
  });

  it('change the checksum of any IPv4 header to what it would be computed to', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 20, max: 65_535 }),
        fc.nat(0xffff),
        fc.nat(0xffff_ffff),
        fc.nat(0xffff_ffff),
        fc.constantFrom(0, 1, 2, 3),
        (trafficClass, totalBytes, identification, source, destination, ecn) => {
          const fields = { totalBytes, identification, protocol: 6, source, destination };
          const marked = dirty(20);
          const fresh = dirty(20);
          writeIpv4(marked, 0, { ...fields, trafficClass });
          writeEcn(marked, 0, ecn as Ecn);
          writeIpv4(fresh, 0, { ...fields, trafficClass: (trafficClass & ~3) | ecn });
          // Zero has two forms in one's complement: what counts is that the sum is right.
          expect(isIpHeaderValid(marked, 0)).toBe(true);
          expect(marked.subarray(0, 10)).toEqual(fresh.subarray(0, 10));
        },
      ),
    );
  });

  it('leave a wrong checksum wrong', () => {
    const u8 = dirty(20);
    writeIpv4(u8, 0, { totalBytes: 20, protocol: 17, source: 1, destination: 2, trafficClass: Ecn.ECT0 });
    u8[10] ^= 1;
    writeEcn(u8, 0, Ecn.CE);
    expect(isIpHeaderValid(u8, 0)).toBe(false);
  });
});

describe('the IP header of a frame', () => {
  it.each([
    ['without tags', `${ADDRESSES} 0800 45${'00'.repeat(19)}`, 14],
    ['behind an 802.1Q tag', `${ADDRESSES} 8100 0064 0800 45${'00'.repeat(19)}`, 18],
    ['behind two tags', `${ADDRESSES} 88a8 0064 8100 0064 86dd 60${'00'.repeat(39)}`, 22],
    ['that is cut short', `${ADDRESSES} 0800 45${'00'.repeat(18)}`, -1],
    ['of another version than the type says', `${ADDRESSES} 0800 65${'00'.repeat(19)}`, -1],
    ['of another protocol', `${ADDRESSES} 0806 45${'00'.repeat(19)}`, -1],
    ['that ends within its tag', `${ADDRESSES} 8100 00`, -1],
  ])('%s', (_, hex, at) => {
    const u8 = fromHex(`ff${hex}`);
    expect(findIpHeader(u8, 1, u8.length - 1)).toBe(at < 0 ? at : at + 1);
  });

  it('of IPv6 is found as it is written', () => {
    const u8 = new Uint8Array(54);
    u8.set(fromHex(`${ADDRESSES} 86dd`));
    const address = new Uint8Array(16);
    const fields = { trafficClass: 0, flowLabel: 0, payloadBytes: 0, nextHeader: 17, hopLimit: 64 };
    writeIpv6(u8, 14, { ...fields, source: address, destination: address });
    expect(findIpHeader(u8, 0, 54)).toBe(14);
  });
});
