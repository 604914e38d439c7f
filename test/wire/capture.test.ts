import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/wire/capture.ts';
import { CaptureError } from '../../src/wire/capture-types.ts';
import { frame, pcapFile } from './capture-files.ts';

describe('a capture', () => {
  it('is in the order of its time stamps, and of the file where they are equal', () => {
    const at = (seconds: number, length: number) => ({ seconds, fraction: 0, data: frame(length) });
    const { packets } = readCapture(pcapFile([at(5, 60), at(4, 61), at(6, 62), at(4, 63), at(5, 64)]));
    expect(packets.map(({ timePs, originalLength }) => [timePs / 1e12, originalLength])).toEqual([
      [0, 61],
      [0, 63],
      [1, 60],
      [1, 64],
      [2, 62],
    ]);
  });

  it('holds views of the bytes that were read', () => {
    const file = pcapFile([{ seconds: 0, fraction: 0, data: frame(60) }]);
    expect(readCapture(file).packets[0].bytes.buffer).toBe(file.buffer);
  });

  it('holds plain byte arrays, whatever kind was read', () => {
    const file = Buffer.from(pcapFile([{ seconds: 0, fraction: 0, data: frame(60) }]));
    const { bytes } = readCapture(file).packets[0];
    expect(bytes.constructor).toBe(Uint8Array);
    expect(bytes.buffer).toBe(file.buffer);
  });

  it('cannot be longer than the model can count', () => {
    const at = (seconds: number, fraction: number) => ({ seconds, fraction, data: frame(60) });
    const last = Number.MAX_SAFE_INTEGER; // ps: 9007 s, 199,254,740 ns and 991 ps
    expect(readCapture(pcapFile([at(0, 0), at(9007, 199_254)])).packets[1].timePs).toBeLessThanOrEqual(last);
    expect(() => readCapture(pcapFile([at(0, 0), at(9007, 199_255)]))).toThrow(
      'the packet is more than 2^53 ps (2.5 hours) later than the first, too late to be simulated, at byte offset 100',
    );
  });

  it('is no empty file', () => {
    expect(() => readCapture(new Uint8Array())).toThrow(CaptureError);
    expect(() => readCapture(new Uint8Array())).toThrow('the file is empty, at byte offset 0');
  });

  it.each([
    ['text', 'not a capture at all'],
    ['three bytes', '\xd4\xc3\xb2'],
    ['gzip', '\x1f\x8b\x08\x00'],
  ])('is no %s', (_, text) => {
    expect(() => readCapture(Uint8Array.from(text, (char) => char.charCodeAt(0)))).toThrow(
      'the file is no capture: it starts with the magic number of neither pcap nor pcapng, at byte offset 0',
    );
  });

  it('is read from bytes', () => {
    expect(() => readCapture('file.pcap' as never)).toThrow(TypeError);
  });
});
