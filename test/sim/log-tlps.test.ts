import { describe, expect, it } from 'vitest';
import { TlpKind } from '../../src/pcie/index.ts';
import { BinaryLog, formatTlp, LogError, singleTlps } from '../../src/trace/index.ts';
import { writeLog } from '../trace/log-fixture.ts';
import { loggedRun, MIXED } from './tlp-log.ts';

describe('the TLPs of a log', () => {
  const { simulation, log } = loggedRun(MIXED);
  const tlps = [...singleTlps(log)];

  it.each([false, true])(
    'are those that the link has counted, numbered one by one (downstream: %s)',
    (downstream) => {
      const { upstream, downstream: down } = simulation.machine.link;
      const direction = downstream ? down : upstream;
      const own = tlps.filter((tlp) => tlp.downstream === downstream);
      expect(own.length).toBe(direction.tlpsSent);
      expect(own.reduce((sum, { linkBytes }) => sum + linkBytes, 0)).toBe(direction.tlpBytes);
      expect(own.map(({ sequence }) => sequence)).toEqual(own.map((_, i) => i % 4096));
      // Symbols of two TLPs never overlap.
      for (let i = 1; i < own.length; i++) expect(own[i].startPs).toBeGreaterThanOrEqual(own[i - 1].endPs);
    },
  );

  it('move no more than Max_Payload_Size, and ask for no more than Max_Read_Request_Size', () => {
    const { maxPayloadBytes, maxReadRequestBytes } = log.header.link as NonNullable<typeof log.header.link>;
    for (const { kind, bytes, address } of tlps) {
      const limit = kind === TlpKind.MEMORY_READ ? maxReadRequestBytes : maxPayloadBytes;
      if (kind < TlpKind.CONFIG_READ) expect((address % 4) + bytes).toBeLessThanOrEqual(limit);
    }
    expect(tlps.filter(({ bytes }) => bytes === maxPayloadBytes).length).toBeGreaterThan(20);
  });

  it('say what they are for, one a line', () => {
    const lines = tlps.map((tlp) => formatTlp(tlp, log.header, log.trailer));
    for (const purpose of [
      /^[\d.]+ down \d+ CfgRd 00:00.0 0x0 2 \S+ \S+ configuration read of 01:00.0$/,
      /^[\d.]+ down \d+ MWr 00:00.0 0x\w+ 4 \S+ \S+ register write, 01:10.0 BAR 0 \+ 0x2018 = 0x\w+$/,
      /^[\d.]+ up \d+ MRd 01:10.0 .* descriptor fetch of transmit queue 0$/,
      /^[\d.]+ down \d+ CplD 01:10.0 .* completion: transmit payload, frame slot \d+$/,
      /^[\d.]+ up \d+ MWr 01:10.2 .* receive payload, frame slot \d+$/,
      /^[\d.]+ up \d+ MWr 01:10.2 .* write-back of \d+ descriptors of receive queue \d+$/,
      /^[\d.]+ up \d+ MWr 01:10.2 0xfee\w+ 4 .* MSI-X message = 0x\w+$/,
    ])
      expect(lines.filter((line) => purpose.test(line)).length, String(purpose)).toBeGreaterThan(0);
  });

  it('are only in the log of a machine', () => {
    expect(() => [...singleTlps(new BinaryLog(writeLog(() => {})))]).toThrow(LogError);
  });
});
