import { describe, expect, it } from 'vitest';
import { RandomStreams } from '../../src/base/index.ts';
import { createMachine, profiles } from '../../src/index.ts';
import { FlitErrors, flitMode, wrongBitsAt } from '../../src/pcie/index.ts';
import { logHeader, logTrailer, recordLog } from '../../src/sim/index.ts';
import { BinaryLog, LogWriter, singleTlps } from '../../src/trace/index.ts';
import { join } from '../trace/log-fixture.ts';

/** A machine whose card has a link of generation 6, with traffic from a VF to another and to the wire. */
function machineOf(lanes: number) {
  const card = profiles.nic.generic100g;
  const nic = { ...card, pcie: { ...card.pcie, rate: { generation: 6, lanes }, flitMode } };
  const machine = createMachine({
    seed: 5,
    nic,
    guests: [
      { name: 'a', vfs: 1 },
      { name: 'b', vfs: 1 },
    ],
  });
  const pieces: Uint8Array[] = [];
  const writer = new LogWriter(logHeader(machine.simulation), (piece) => pieces.push(piece.slice()));
  recordLog(machine.simulation, writer);
  const counts = () => {
    const { upstream, downstream } = machine.simulation.machine.link;
    return [upstream, downstream].map(({ tlpsSent, tlpBytes }) => [tlpsSent, tlpBytes]);
  };
  const before = counts();
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
  const [a] = machine.guests;
  a.traffic.send({ to: 'b', frameBytes: 1500, ratePps: 2e6 });
  a.traffic.send({ to: 'port', frameBytes: 64, ratePps: 5e6 });
  const log = () => {
    writer.end(logTrailer(machine.simulation));
    return new BinaryLog(join(pieces));
  };
  return { machine, log, since: () => counts().map((now, i) => now.map((count, k) => count - before[i][k])) };
}

describe('a machine on a link of generation 6', () => {
  it.each([1, 16])('carries frames, and accounts for every symbol time, x%i', (lanes) => {
    const { machine } = machineOf(lanes);
    const report = machine.run({ simulatedMs: 0.2 });
    expect(report.conservation.balanced).toBe(true);
    expect(report.conservation.delivered).toBeGreaterThan(200);
    for (const direction of ['upstream', 'downstream'] as const) {
      const { tlpBytes, dllpBytes, skipBytes, idleBytes } = report.pcie[direction];
      // Twenty bytes beside the TLPs of each flit that has some.
      expect(dllpBytes % 20).toBe(0);
      expect(tlpBytes / (dllpBytes / 20)).toBeGreaterThan(12);
      expect(tlpBytes / (dllpBytes / 20)).toBeLessThanOrEqual(236);
      const capacity = (report.simulated.measuredPs * lanes) / 125;
      expect(tlpBytes + dllpBytes + skipBytes + idleBytes).toBe(Math.floor(capacity));
    }
  });

  it('loses no frame and no symbol time to bit errors', () => {
    const { machine } = machineOf(4);
    const { scheduler, link, tlps, nic, bridge } = machine.simulation.machine;
    const streams = new RandomStreams(3);
    const ends = [bridge.function, nic.pf] as const;
    const up = wrongBitsAt(2e-4, streams.stream('up'));
    const down = wrongBitsAt(2e-4, streams.stream('down'));
    const errors = [
      new FlitErrors(scheduler, link.upstream, tlps, up, ends[0], ends[1]),
      new FlitErrors(scheduler, link.downstream, tlps, down, ends[1], ends[0]),
    ];
    const report = machine.run({ simulatedMs: 0.2 });
    expect(report.conservation.balanced).toBe(true);
    expect(report.conservation.delivered).toBeGreaterThan(200);
    for (const each of errors) {
      const { correctedFlits, badFlits, replayedFlits } = each.counters();
      expect(correctedFlits).toBeGreaterThan(1000);
      expect(badFlits).toBeGreaterThan(5);
      expect(replayedFlits).toBeGreaterThan(badFlits);
    }
    for (const direction of ['upstream', 'downstream'] as const) {
      const { tlpBytes, dllpBytes, skipBytes, idleBytes } = report.pcie[direction];
      expect(tlpBytes).toBeLessThanOrEqual((dllpBytes / 20) * 236);
      const capacity = (report.simulated.measuredPs * 4) / 125;
      expect(tlpBytes + dllpBytes + skipBytes + idleBytes).toBe(Math.floor(capacity));
    }
  });

  it('has a log whose views cut its trains as the link has counted them', () => {
    const { machine, log, since } = machineOf(4);
    machine.run({ simulatedMs: 0.05 });
    const whole = log();
    expect(whole.header.link).toMatchObject({ psPerByte: [125, 4], flitMode: true });
    const tlps = [...singleTlps(whole)];
    const cut = [false, true].map((isDown) => {
      const own = tlps.filter(({ downstream }) => downstream === isDown);
      return [own.length, own.reduce((sum, { linkBytes }) => sum + linkBytes, 0)];
    });
    expect(cut).toEqual(since());
  });
});
