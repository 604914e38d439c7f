import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PcapngPacket, PcapngWriter, readCapture } from '../../src/wire/index.ts';
import { frame } from './capture-files.ts';
import {
  blocksOf,
  COMMENT,
  FLAGS,
  numberOption,
  optionsOf,
  PACKET_ID,
  packetBlocks,
  QUEUE,
  textOption,
} from './pcapng-packets.ts';

function oneInterface(): PcapngWriter {
  const writer = new PcapngWriter();
  writer.addInterface({ name: 'a' });
  return writer;
}

describe('a pcapng file that is written', () => {
  it('has these bytes for one interface and one packet', () => {
    const writer = oneInterface();
    writer.addPacket({ interface: 0, timePs: 2 ** 32 * 1000, bytes: Uint8Array.of(0xaa) });
    const section = ['0a0d0d0a', '1c000000', '4d3c2b1a', '01000000', 'ffffffff', 'ffffffff', '1c000000'];
    const port = ['01000000', '28000000', '01000000', '00000000'];
    const options = ['02000100', '61000000', '09000100', '09000000', '00000000', '28000000'];
    const packet = ['06000000', '24000000', '00000000', '01000000', '00000000', '01000000', '01000000'];
    expect(Buffer.from(writer.bytes()).toString('hex')).toBe(
      [...section, ...port, ...options, ...packet, 'aa000000', '24000000'].join(''),
    );
  });

  it('says who wrote it, and what it knows of an interface', () => {
    const writer = new PcapngWriter({ hardware: 'a card', application: 'a test' });
    writer.addInterface({ name: 'port', description: 'größer', bitsPerSecond: 10e9 });
    const [section, port] = blocksOf(writer.bytes());
    const [of, about] = [optionsOf(section.body, 16), optionsOf(port.body, 8)];
    expect([textOption(of, 2), textOption(of, 4)]).toEqual(['a card', 'a test']);
    expect([textOption(about, 2), textOption(about, 3)]).toEqual(['port', 'größer']);
    expect([numberOption(about, 8), numberOption(about, 9)]).toEqual([10e9, 9]);
  });

  it('says of a packet which way it went, its number and its queue, and what there is to remark', () => {
    const writer = oneInterface();
    const packet = { interface: 0, timePs: 0, bytes: frame(61) };
    writer.addPacket({ ...packet, direction: 'inbound', id: 2 ** 40 + 1, queue: 127, comment: 'a remark' });
    writer.addPacket({ ...packet, direction: 'outbound' });
    const [first, second] = packetBlocks(writer.bytes());
    const numbers = [FLAGS, PACKET_ID, QUEUE].map((code) => numberOption(first.options, code));
    expect(numbers).toEqual([1, 2 ** 40 + 1, 127]);
    expect(textOption(first.options, COMMENT)).toBe('a remark');
    expect([...second.options.keys()]).toEqual([FLAGS]);
    expect(numberOption(second.options, FLAGS)).toBe(2);
  });

  it('may get interfaces between packets', () => {
    const writer = oneInterface();
    writer.addPacket({ interface: 0, timePs: 0, bytes: frame(60) });
    expect(writer.addInterface({ name: 'b' })).toBe(1);
    writer.addPacket({ interface: 1, timePs: 0, bytes: frame(60) });
    expect(readCapture(writer.bytes()).interfaces).toEqual([{ name: 'a' }, { name: 'b' }]);
    expect(writer.packets).toBe(2);
  });

  it('grows over many pieces, each of whole blocks', () => {
    const writer = oneInterface();
    const sizes = [...Array.from({ length: 300 }, () => 9000), 3_000_000, 1];
    for (const size of sizes) writer.addPacket({ interface: 0, timePs: 0, bytes: frame(size) });
    const parts = writer.parts();
    expect(parts.length).toBeGreaterThan(3);
    expect(parts.flatMap((part) => packetBlocks(part).map(({ bytes }) => bytes.length))).toEqual(sizes);
    expect(Buffer.concat(parts).equals(writer.bytes())).toBe(true);
  });

  it('reads back as it was written, times in whole nanoseconds', () => {
    const nanoseconds = fc.integer({ min: 0, max: Math.floor(Number.MAX_SAFE_INTEGER / 1000) - 1 });
    const packets = fc.array(
      fc.record(
        {
          interface: fc.integer({ min: 0, max: 2 }),
          timePs: fc
            .tuple(nanoseconds, fc.integer({ min: 0, max: 999 }))
            .map(([ns, rest]) => ns * 1000 + rest),
          // The reader takes nothing shorter than an Ethernet header.
          bytes: fc.uint8Array({ minLength: 14, maxLength: 200 }),
          direction: fc.constantFrom('inbound' as const, 'outbound' as const),
          id: fc.maxSafeNat(),
          queue: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          comment: fc.string({ unit: 'grapheme' }),
        },
        { requiredKeys: ['interface', 'timePs', 'bytes'] },
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 3, maxLength: 3 }), packets, (names, written) => {
        const writer = new PcapngWriter();
        for (const name of names) writer.addInterface({ name });
        for (const packet of written) writer.addPacket(packet);
        const file = writer.bytes();
        expect(packetBlocks(file).map(asWritten)).toEqual(
          written.map((packet) => ({ ...packet, timePs: Math.floor(packet.timePs / 1000) * 1000 })),
        );
        const sorted = [...written].sort((a, b) => nanosecondsOf(a) - nanosecondsOf(b));
        const capture = readCapture(file);
        expect(capture.interfaces).toEqual(names.map((name) => ({ name })));
        expect(capture.packets).toEqual(
          sorted.map((packet) => ({
            timePs: (nanosecondsOf(packet) - nanosecondsOf(sorted[0])) * 1000,
            bytes: packet.bytes,
            originalLength: packet.bytes.length,
            interface: packet.interface,
          })),
        );
      }),
    );
  });

  it('refuses what does not fit its fields', () => {
    const add = (packet: Partial<PcapngPacket>) => () =>
      oneInterface().addPacket({ interface: 0, timePs: 0, bytes: frame(60), ...packet });
    expect(add({ interface: 1 })).toThrow('interface must be an integer from 0 to 0, got 1');
    expect(add({ timePs: -1 })).toThrow(RangeError);
    expect(add({ timePs: 0.5 })).toThrow(RangeError);
    expect(add({ queue: 2 ** 32 })).toThrow('queue must be an integer from 0 to 4294967295, got 4294967296');
    expect(add({ id: '1' as never })).toThrow(TypeError);
    expect(add({ comment: 'x'.repeat(65_536) })).toThrow(
      'bytes of comment must be an integer from 0 to 65535',
    );
    expect(() => new PcapngWriter().addInterface({ name: 'a', bitsPerSecond: 0.5 })).toThrow(RangeError);
  });
});

function nanosecondsOf({ timePs }: PcapngPacket): number {
  return Math.floor(timePs / 1000);
}

/** A block as the packet that it was written for. */
function asWritten(block: ReturnType<typeof packetBlocks>[number]): PcapngPacket {
  const flags = numberOption(block.options, FLAGS);
  const options = {
    direction: flags === undefined ? undefined : flags === 1 ? ('inbound' as const) : ('outbound' as const),
    id: numberOption(block.options, PACKET_ID),
    queue: numberOption(block.options, QUEUE),
    comment: textOption(block.options, COMMENT),
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    interface: block.interface,
    timePs: Number(block.time) * 1000,
    bytes: block.bytes,
    ...Object.fromEntries(given),
  };
}
