import { describe, expect, it } from 'vitest';
import type { Report, Scenario } from '../../src/index.ts';
import { boot, reportOf } from './rig.ts';

interface VfRates {
  maxTxMbps?: number;
  minTxMbps?: number;
  class?: number;
}

/** Guests with a VF each, all of which send as much as they can to the wire. */
function overload(vfs: readonly VfRates[], profile: string, durationMs: number, bytes = 1518): Scenario {
  return {
    nic: { profile },
    guests: vfs.map((vf, i) => ({ name: `g${i}`, driver: 'poll', ringSize: 64, vfs: [vf] })),
    traffic: vfs.map((_, i) => ({ from: `g${i}`, to: 'port', frameBytes: bytes, saturate: true })),
    warmUpMs: 1,
    durationMs,
  };
}

/** What each VF has sent, in Mb/s of layer 2. */
function sentMbps(report: Report): number[] {
  expect(report.conservation.balanced).toBe(true);
  return report.endpoints.filter(({ kind }) => kind === 'vf').map(({ txGbps }) => txGbps * 1000);
}

function expectWithin(share: number, actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [i, each] of actual.entries()) {
    expect(Math.abs(each / expected[i] - 1), `VF ${i}: ${each} Mb/s for ${expected[i]}`).toBeLessThan(share);
  }
}

describe('rate limits in the machine', () => {
  it.each(['intel-82599', 'generic'])(
    'hold for 63 VFs at once within 1 percent: %s',
    (profile) => {
      const limits = Array.from({ length: 63 }, (_, vf) => 60 + 2 * vf); // 7.7 Gb/s in all
      const report = reportOf(
        overload(
          limits.map((maxTxMbps) => ({ maxTxMbps })),
          profile,
          40,
          500,
        ),
      );
      expectWithin(0.01, sentMbps(report), limits);
      expect(report.endpoints[2]).toMatchObject({ maxTxMbps: 60 });
    },
    120_000,
  );

  it('hold for 63 VFs at once over a whole second', () => {
    const limits = Array.from({ length: 63 }, (_, vf) => 11 + 4 * vf); // 8.5 Gb/s in all
    const report = reportOf(
      overload(
        limits.map((maxTxMbps) => ({ maxTxMbps })),
        'intel-82599',
        1000,
      ),
    );
    expectWithin(0.01, sentMbps(report), limits);
  }, 120_000);

  it('leave the rest of the link to who has none', () => {
    const [limited, free] = sentMbps(reportOf(overload([{ maxTxMbps: 1_000 }, {}], 'intel-82599', 5)));
    expectWithin(0.01, [limited], [1_000]);
    // A frame of 1,518 bytes takes 1,538 on the wire.
    expectWithin(0.01, [limited + free], [(10_000 * 1518) / 1538]);
  });

  it('hold between VFs as well: what a VF fetches is limited, wherever it goes', () => {
    const report = reportOf({
      guests: [{ name: 'a', vfs: [{ maxTxMbps: 200 }] }, { name: 'b' }],
      traffic: [{ from: 'a', to: 'b', frameBytes: 300, saturate: true }],
      warmUpMs: 1,
      durationMs: 10,
    });
    expectWithin(0.01, [sentMbps(report)[0]], [200]);
  });
});

describe('rate limits of a fast card', () => {
  it.each([25, 40, 100])('hold on a link of %i Gb/s', (linkGbps) => {
    const scenario = overload([{ maxTxMbps: 3_000 }, { maxTxMbps: 700 }], 'generic-100g', 4);
    const report = reportOf({ ...scenario, nic: { ...scenario.nic, linkGbps } });
    expectWithin(0.01, sentMbps(report), [3_000, 700]);
  });
});

describe('guaranteed minima in the machine', () => {
  it('are kept under overload, and what nobody is guaranteed is shared', () => {
    const minima = [4_000, 2_000, 1_000, 0];
    const report = reportOf(
      overload(
        minima.map((minTxMbps) => (minTxMbps > 0 ? { minTxMbps } : {})),
        'generic',
        10,
      ),
    );
    const sent = sentMbps(report);
    const total = sent.reduce((sum, each) => sum + each);
    // 3,000 Mb/s are guaranteed to nobody: 600 for each of the VFs and the host.
    const shares = [4_600, 2_600, 1_600, 600].map((share) => (share / 9_400) * total);
    expectWithin(0.02, sent, shares);
  });

  it.each([
    ['nearly fill the link', [4_000, 4_000, 1_990]],
    ['are very unequal', [4_000, 2_000, ...Array.from({ length: 61 }, () => 60)]],
  ])(
    'are kept over 10 ms where they %s',
    (_, minima) => {
      const sent = sentMbps(
        reportOf(
          overload(
            minima.map((minTxMbps) => ({ minTxMbps })),
            'generic',
            10,
          ),
        ),
      );
      // A frame of 1,518 bytes takes 1,538 on the wire.
      for (const [vf, minTxMbps] of minima.entries()) {
        expect(sent[vf], `VF ${vf}`).toBeGreaterThan(minTxMbps * 0.98 * (1518 / 1538));
      }
      const all = minima.reduce((sum, each) => sum + each);
      const rest = (10_000 - all) / (minima.length + 1);
      const total = sent.reduce((sum, each) => sum + each);
      const of = (vf: number) => ((minima[vf] + rest) / (10_000 - rest)) * total;
      expectWithin(0.025, sent.slice(0, 2), [of(0), of(1)]);
    },
    60_000,
  );
});

describe('traffic classes in the machine', () => {
  it('let the highest go first, exactly', () => {
    const vfs = [{ class: 0 }, { class: 3, maxTxMbps: 2_000 }, { class: 1 }];
    const [low, high, middle] = sentMbps(reportOf(overload(vfs, 'generic', 5)));
    expectWithin(0.01, [high, high + middle], [2_000, (10_000 * 1518) / 1538]);
    expect(low).toBe(0);
  });
});

describe('registers of the 82599 in the machine', () => {
  const RTTDCS = 0x4900;
  const RTTDQSEL = 0x4904;
  const RTTDT1C = 0x4908;
  const RTTDT2C = 0x4910;
  const MTQC = 0x8120;
  const LSP = 0x8000_0000;
  const MCL = (units: number) => units << 12;

  /** Three VFs that overload the link, with what `set` writes into registers before. */
  function sharesWith(set: (write: (offset: number, value: number) => void) => void, vfs: VfRates[]) {
    const simulation = boot(overload(vfs, 'intel-82599', 10));
    set((offset, value) => simulation.machine.nic.registers.write32(offset, value, 15));
    simulation.advance(simulation.endPs);
    return sentMbps(simulation.report());
  }

  it('weigh pools: RTTDT1C while RTTDCS.VMPAC is set', () => {
    const sent = sharesWith(
      (write) => {
        for (const [pool, units] of [32, 64, 160, 32].entries()) {
          write(RTTDQSEL, 2 * pool);
          write(RTTDT1C, units);
        }
        write(RTTDCS, 1 << 1);
      },
      [{}, {}, {}],
    );
    const total = sent[0] + sent[1] + sent[2];
    expectWithin(0.02, sent, [total / 8, total / 4, (total * 5) / 8]);
  });

  it('mean nothing while arbiters are disabled: RTTDCS.ARBDIS', () => {
    const sent = sharesWith(
      (write) => {
        write(RTTDQSEL, 0);
        write(RTTDT1C, 1);
        write(RTTDCS, (1 << 1) | (1 << 6));
      },
      [{}, {}, {}],
    );
    const total = sent[0] + sent[1] + sent[2];
    expectWithin(0.02, sent, [total / 3, total / 3, total / 3]);
  });

  it('weigh classes behind strict ones: RTTDT2C while RTTDCS.TDPAC is set', () => {
    const sent = sharesWith(
      (write) => {
        // Eight classes with pools: queue 0 is of class 0, queue 2 of class 2, queue 4 of class 4.
        write(MTQC, (1 << 0) | (1 << 1) | (3 << 2));
        write(RTTDT2C, 50 | MCL(100));
        write(RTTDT2C + 4 * 2, 30 | MCL(60));
        write(RTTDT2C + 4 * 4, LSP);
        write(RTTDCS, 1 << 0);
      },
      [{}, {}, { maxTxMbps: 2_000 }],
    );
    const rest = sent[0] + sent[1];
    expectWithin(0.02, sent, [(rest * 5) / 8, (rest * 3) / 8, 2_000]);
    expectWithin(0.01, [rest + sent[2]], [(10_000 * 1518) / 1538]);
  });
});

describe("the PF's driver", () => {
  const scenario: Scenario = { guests: [{ name: 'a', vfs: 2 }] };

  it('guarantees a VF no more than it may send', () => {
    const { pfDriver } = boot({ ...scenario, nic: { profile: 'generic' } }).machine;
    expect(pfDriver.setVfTxRate(0, { maxMbps: 500, minMbps: 501 })).toBe(
      '501 Mb/s are more than the VF may send, 500',
    );
    expect(pfDriver.setVfTxRate(0, { maxMbps: 500, minMbps: 500 })).toBeNull();
    expect(pfDriver.setVfTxRate(0, { maxMbps: 499 })).toMatch(/^500 Mb\/s are more/);
  });

  it.each([
    [{ maxMbps: 10 }, '10 Mb/s is not between 11 and 10000'],
    [{ maxMbps: 10_001 }, '10001 Mb/s is not between 11 and 10000'],
    [{ minMbps: 100 }, 'the card guarantees no minimum rate'],
    [{ trafficClass: 1 }, 'the card has no traffic classes with 64 pools'],
    [{ maxMbps: 11 }, null],
    [{ maxMbps: 10_000 }, null],
    [{ maxMbps: 0 }, null],
  ])('answers a request for %o with %o', (rate, answer) => {
    const { pfDriver } = boot(scenario).machine;
    pfDriver.setVfTxRate(0, { maxMbps: 500 });
    expect(pfDriver.setVfTxRate(0, rate)).toBe(answer);
    expect(pfDriver.vfTxRate(0)).toEqual({
      maxMbps: answer === null ? rate.maxMbps : 500,
      minMbps: 0,
      trafficClass: 0,
    });
    expect(pfDriver.setVfTxRate(2, { maxMbps: 500 })).toBe('there is no VF 2');
  });

  it('limits no VF on a link of 1 Gb/s', () => {
    const { pfDriver } = boot({ ...scenario, nic: { linkGbps: 1 } }).machine;
    expect(pfDriver.setVfTxRate(0, { maxMbps: 500 })).toBe(
      'the card limits rates at 10 Gb/s only, the link has 1000 Mb/s',
    );
  });

  it('writes the rate factor to each queue of the VF', () => {
    const { pfDriver, nic, scheduler } = boot(scenario).machine;
    pfDriver.setVfTxRate(1, { maxMbps: 3_000 });
    scheduler.runUntil(scheduler.now + 10_000_000); // the writes are posted
    const limits = [1, 2, 3, 4].map((queue) => {
      nic.registers.write32(0x4904, queue, 15);
      return nic.registers.read32(0x4984) >>> 0;
    });
    const factor = 0x8000_0000 + (3 << 14) + 5_461;
    expect(limits).toEqual([0, factor, factor, 0]);
    expect(nic.registers.read32(0x4980)).toBe(4);
  });

  it('changes a rate while frames flow', () => {
    const simulation = boot({
      guests: [{ name: 'a', driver: 'poll' }],
      traffic: [{ from: 'a', to: 'port', frameBytes: 1518, saturate: true }],
      warmUpMs: 0.5,
      durationMs: 4.5,
    });
    const sent = () => simulation.machine.nic.data.mac.bytesSent;
    const mbpsOver = (ms: number) => {
      const before = sent();
      simulation.advance(simulation.machine.scheduler.now + ms * 1e9);
      return ((sent() - before) * 8) / (ms * 1e3);
    };
    simulation.advance(simulation.machine.scheduler.now + 5e8);
    expectWithin(0.02, [mbpsOver(1)], [(10_000 * 1518) / 1538]);
    simulation.machine.pfDriver.setVfTxRate(0, { maxMbps: 1_000 });
    mbpsOver(0.3); // what was fetched before
    expectWithin(0.02, [mbpsOver(1)], [1_000]);
    simulation.machine.pfDriver.setVfTxRate(0, { maxMbps: 0 });
    expectWithin(0.02, [mbpsOver(1)], [(10_000 * 1518) / 1538]);
  });
});
