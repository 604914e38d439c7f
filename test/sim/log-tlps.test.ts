import { describe, expect, it } from 'vitest';
import { TlpKind } from '../../src/pcie/index.ts';
import { tlpNames } from '../../src/sim/index.ts';
import { BinaryLog, formatTlp, LogError, singleTlps, TlpFrames, TlpPurposes } from '../../src/trace/index.ts';
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
    const purposes = new TlpPurposes(log, { names: tlpNames(log), frames: new TlpFrames(log) });
    const lines = tlps.map((tlp) => formatTlp(tlp, purposes).replace(/ +/g, ' ').trim());
    for (const purpose of [
      /^0.000 down 0 0 CfgRd 00:00.0 PF 0x0 2 \d+ \d+ configuration read, 01:00.0 \(PF\) Vendor ID$/,
      /^[\d.]+ up 0 0 CplD 00:00.0 PF 0x0 2 inf inf completion: configuration read, 01:00.0 \(PF\) Vendor ID = 0x8086$/,
      /^[\d.]+ down \d+ \d+ CfgWr 00:00.0 PF 0x170 2 \S+ \S+ configuration write, 01:00.0 \(PF\) SR-IOV NumVFs = 0x2$/,
      /^[\d.]+ down \d+ - MWr 00:00.0 VF0 0x\w+ 4 \S+ \S+ register write, 01:10.0 \(VF 0\) VFTDT\[0\] = 0x\w+$/,
      /^[\d.]+ down \d+ - MWr 00:00.0 VF1 0x\w+ 4 \S+ \S+ register write, 01:10.2 \(VF 1\) VFRDT\[0\] = 0x\w+$/,
      /^[\d.]+ down \d+ - MWr 00:00.0 PF 0x\w+ 4 .* \(PF\) MSI-X Table\[1\] Message Data = 0x1$/,
      /^[\d.]+ up \d+ \d+ CplD 00:00.0 VF0 0x\w+ 4 .* completion: register read, 01:10.0 \(VF 0\) VFMAILBOX = 0x\w+$/,
      /^[\d.]+ up \d+ \d+ MRd 01:10.0 VF0 .* descriptor fetch of transmit queue 0$/,
      /^[\d.]+ down \d+ \d+ CplD 01:10.0 VF0 .* completion: transmit payload, frame 1$/,
      /^[\d.]+ up \d+ - MWr 01:10.2 VF1 .* receive payload, frame 1$/,
      /^[\d.]+ up \d+ - MWr 01:10.2 VF1 .* descriptor write-back, \d+ of receive queue \d+$/,
      /^[\d.]+ up \d+ - MWr 01:10.2 VF1 0xfee\w+ 4 .* MSI-X message = 0x\w+$/,
    ])
      expect(lines.filter((line) => purpose.test(line)).length, String(purpose)).toBeGreaterThan(0);
    expect(formatTlp(tlps[0], new TlpPurposes(log))).toMatch(
      /configuration read, 01:00.0 \(PF\) register 0x0$/,
    );
  });

  it('are only in the log of a machine', () => {
    expect(() => [...singleTlps(new BinaryLog(writeLog(() => {})))]).toThrow(LogError);
  });
});
