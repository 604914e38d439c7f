import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ecn, findIpHeader, readEcn } from '../../src/wire/ecn.ts';
import { EtherType, parseEthernet } from '../../src/wire/ethernet.ts';
import { formatIpv4, IpProtocol, isIpv4ChecksumValid, parseIpv4 } from '../../src/wire/ipv4.ts';
import { BROADCAST, parseMac } from '../../src/wire/mac.ts';
import { parseTagStack } from '../../src/wire/tag-stack.ts';
import {
  buildTestFrame,
  findStamp,
  readStampEcn,
  readStampFlow,
  readStampSequence,
  stampOffset,
  writeStampFlow,
  writeStampSequence,
} from '../../src/wire/test-frame.ts';
import { parseUdp } from '../../src/wire/udp.ts';
import { dirty, toHex } from './bytes.ts';

const A = parseMac('02:00:00:00:01:0a');
const B = parseMac('02:00:00:00:01:0b');
const FRAME = { destination: B, source: A, flow: 0x0102_0304, sequence: 5, frameBytes: 64 };
const VLAN = { id: 100, priority: 3 };

const anyFrame = fc.record({
  destination: fc.integer({ min: 0, max: BROADCAST }),
  source: fc.integer({ min: 0, max: BROADCAST }),
  vlan: fc.option(fc.record({ id: fc.nat(4094), priority: fc.nat(7) }), { nil: undefined }),
  flow: fc.nat(0x7fff_ffff),
  sequence: fc.nat(0x7fff_ffff),
  frameBytes: fc.integer({ min: 64, max: 9018 }),
});

describe('a test frame', () => {
  it.each([undefined, VLAN])('carries ECN in its IP header, with a right checksum (tag %o)', (vlan) => {
    for (const ecn of [Ecn.NOT_ECT, Ecn.ECT1, Ecn.ECT0, Ecn.CE]) {
      const words = new Int32Array(20);
      const u8 = new Uint8Array(words.buffer);
      const bytes = buildTestFrame({ ...FRAME, vlan, ecn }, u8, 0);
      const header = findIpHeader(u8, 0, bytes);
      expect(readEcn(u8, header)).toBe(ecn);
      expect(isIpv4ChecksumValid(u8, header)).toBe(true);
      expect(readStampEcn(words, findStamp(words, 0, bytes))).toBe(ecn);
    }
  });

  it('is constructed', () => {
    const u8 = dirty(68);
    expect(buildTestFrame(FRAME, u8, 4)).toBe(60);
    expect(toHex(u8)).toBe(
      'a5a5a5a5' +
        '02000000010b02000000010a0800' +
        '4500002e00004000401124ab0a00010a0a00010b' +
        'c3048408001a0000' +
        '1f5e0403020105000000' +
        '0405060708090a0b' +
        'a5a5a5a5',
    );
  });

  it('is constructed with a tag', () => {
    const u8 = dirty(68);
    expect(buildTestFrame({ ...FRAME, vlan: VLAN }, u8, 4)).toBe(60);
    expect(toHex(u8)).toBe(
      'a5a5a5a5' +
        '02000000010b02000000010a810060640800' +
        '4500002a00004000401124af0a00010a0a00010b' +
        'c304840800160000' +
        '1f5e0403020105000000' +
        '04050607' +
        'a5a5a5a5',
    );
  });

  it('has its stamp where it says', () => {
    expect(stampOffset(false)).toBe(42);
    expect(stampOffset(true)).toBe(46);
  });

  it('is valid Ethernet, IPv4 and UDP of every length', () => {
    fc.assert(
      fc.property(anyFrame, (frame) => {
        const u8 = dirty(9200);
        const bytes = buildTestFrame(frame, u8, 8);
        expect(bytes).toBe(frame.frameBytes - 4);
        expect(parseEthernet(u8, 8, bytes)).toMatchObject({
          destination: frame.destination,
          source: frame.source,
        });
        const stack = parseTagStack(u8, 8, bytes)!;
        expect(stack.tags.map(({ tag }) => tag)).toMatchObject(frame.vlan ? [frame.vlan] : []);
        expect(stack.etherType).toBe(EtherType.IPV4);
        const networkOffset = 8 + stack.payloadOffset;
        const ip = parseIpv4(u8, networkOffset, bytes - stack.payloadOffset)!;
        expect(ip).toMatchObject({ protocol: IpProtocol.UDP, totalBytes: bytes - stack.payloadOffset });
        expect(isIpv4ChecksumValid(u8, networkOffset)).toBe(true);
        expect(parseUdp(u8, networkOffset + 20, ip.totalBytes - 20)).toMatchObject({
          totalBytes: ip.totalBytes - 20,
          checksum: 0,
        });
        expect(u8.subarray(8 + bytes).every((byte) => byte === 0xa5)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  it('gives back flow and sequence number, and lets them be changed', () => {
    fc.assert(
      fc.property(anyFrame, fc.nat(100), (frame, frameWord) => {
        const u8 = dirty(9600);
        const words = new Int32Array(u8.buffer);
        const bytes = buildTestFrame(frame, u8, frameWord * 4);
        const stamp = findStamp(words, frameWord, bytes);
        expect(stamp * 4).toBe(frameWord * 4 + stampOffset(frame.vlan !== undefined) + 2);
        expect(readStampFlow(words, stamp)).toBe(frame.flow);
        expect(readStampSequence(words, stamp)).toBe(frame.sequence);
        writeStampSequence(words, stamp, 77);
        writeStampFlow(words, stamp, 88);
        const again = dirty(9600);
        buildTestFrame({ ...frame, sequence: 77 }, again, frameWord * 4);
        writeStampFlow(new Int32Array(again.buffer), stamp, 88);
        expect(u8).toEqual(again);
      }),
      { numRuns: 100 },
    );
  });

  it('is recognised again after a tag was inserted or removed on the way', () => {
    const tagged = dirty(128);
    const plain = dirty(128);
    const bytes = buildTestFrame({ ...FRAME, frameBytes: 100 }, plain, 0);
    tagged.set(plain.subarray(0, 12));
    tagged.set([0x81, 0x00, 0x60, 0x64], 12);
    tagged.set(plain.subarray(12, bytes), 16);
    const words = new Int32Array(tagged.buffer);
    expect(readStampFlow(words, findStamp(words, 0, bytes + 4))).toBe(FRAME.flow);
  });

  it('is not seen in other frames, nor in what an older frame left behind a shorter one', () => {
    const u8 = dirty(128);
    const words = new Int32Array(u8.buffer);
    expect(findStamp(words, 0, 60)).toBe(-1);
    const bytes = buildTestFrame(FRAME, u8, 0);
    expect(findStamp(words, 0, bytes)).toBe(11);
    expect(findStamp(words, 0, 51)).toBe(-1);
    u8[12] = 0x86; // no longer IPv4
    expect(findStamp(words, 0, bytes)).toBe(-1);
    buildTestFrame(FRAME, u8, 0);
    u8[42] ^= 1; // no longer the magic number
    expect(findStamp(words, 0, bytes)).toBe(-1);
  });

  it('has addresses that follow from the MAC addresses', () => {
    const addresses = (destination: number) => {
      const u8 = dirty(64);
      buildTestFrame({ ...FRAME, destination }, u8, 0);
      return formatIpv4(parseIpv4(u8, 14, 46)!.destination);
    };
    expect(addresses(B)).toBe('10.0.1.11');
    expect(addresses(BROADCAST)).toBe('255.255.255.255');
    expect(addresses(parseMac('01:00:5e:01:02:03'))).toBe('239.1.2.3');
  });

  it('has ports of its own for every one of 2^28 flows', () => {
    const ports = (flow: number) => {
      const u8 = dirty(64);
      buildTestFrame({ ...FRAME, flow }, u8, 0);
      return toHex(u8.subarray(34, 38));
    };
    const flows = [0, 1, 0x3fff, 0x4000, 0x7fff, 0x0fff_ffff];
    expect(new Set(flows.map(ports)).size).toBe(flows.length);
  });

  it.each([
    ['frameBytes', 63],
    ['frameBytes', 9019],
    ['flow', 2 ** 31],
    ['flow', -1],
    ['sequence', 2 ** 31],
    ['destination', 2 ** 48],
    ['source', -1],
    ['vlan', { id: 4095 }],
    ['vlan', { id: 1, priority: 8 }],
  ])('refuses a %s of %j', (field, value) => {
    expect(() => buildTestFrame({ ...FRAME, [field]: value }, dirty(9200), 0)).toThrow(RangeError);
  });

  it('refuses a target that it does not fit into', () => {
    expect(buildTestFrame(FRAME, dirty(64), 4)).toBe(60);
    expect(() => buildTestFrame(FRAME, dirty(64), 8)).toThrow(RangeError);
    expect(() => buildTestFrame(FRAME, dirty(59), 0)).toThrow(RangeError);
  });
});
