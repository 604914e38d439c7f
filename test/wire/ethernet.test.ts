import { describe, expect, it } from 'vitest';
import {
  EtherType,
  MAX_FRAME_BYTES,
  MIN_FRAME_BYTES,
  parseEthernet,
  readDestination,
  readEtherType,
  readSource,
  wireBytes,
  writeEthernet,
} from '../../src/wire/ethernet.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const HEADER = '02000000010b 02000000010a 0800';
const FIELDS = { destination: 0x0200_0000_010b, source: 0x0200_0000_010a, etherType: EtherType.IPV4 };

describe('an Ethernet header', () => {
  it('is constructed', () => {
    const u8 = dirty(16);
    expect(writeEthernet(u8, 1, FIELDS)).toBe(14);
    expect(toHex(u8)).toBe(`a5${HEADER.replaceAll(' ', '')}a5`);
  });

  it('is parsed', () => {
    const u8 = fromHex(`ff${HEADER}`);
    expect(parseEthernet(u8, 1, 14)).toEqual(FIELDS);
    expect(readDestination(u8, 1)).toBe(FIELDS.destination);
    expect(readSource(u8, 1)).toBe(FIELDS.source);
    expect(readEtherType(u8, 1)).toBe(FIELDS.etherType);
  });

  it('is not found in fewer than 14 bytes', () => {
    expect(parseEthernet(fromHex(HEADER), 0, 13)).toBeUndefined();
  });
});

describe('wire arithmetic', () => {
  // 10 Gb/s over preamble, frame, FCS and gap: the well-known frame rates.
  it.each([
    [64, 14_880_952],
    [128, 8_445_946],
    [256, 4_528_986],
    [512, 2_349_624],
    [1024, 1_197_318],
    [1518, 812_744],
  ])('gives 10 Gb/s the known rate of frames of %i bytes', (frameBytes, rate) => {
    expect(Math.round(10e9 / 8 / wireBytes(frameBytes - 4))).toBe(rate);
  });

  it('pads short frames to 64 bytes', () => {
    expect(wireBytes(0)).toBe(MIN_FRAME_BYTES + 20);
    expect(wireBytes(42)).toBe(MIN_FRAME_BYTES + 20);
    expect(wireBytes(60)).toBe(MIN_FRAME_BYTES + 20);
    expect(wireBytes(61)).toBe(MIN_FRAME_BYTES + 21);
    expect(wireBytes(1514)).toBe(MAX_FRAME_BYTES + 20);
  });
});
