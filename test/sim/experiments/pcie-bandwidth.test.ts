import { describe, expect, it } from 'vitest';
import { pcieBandwidth, symbolPs, updateLatencySymbols } from '../../../src/pcie/index.ts';
import { pcieBandwidthExperiment, runExperiment } from '../../../src/sim/experiments/index.ts';

function rows(...settings: string[]) {
  const { columns, rows } = runExperiment(pcieBandwidthExperiment, settings);
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i]])));
}

describe('the experiment pcie-bandwidth', () => {
  it('has a row for every combination of its parameters, the sizes turning fastest', () => {
    const found = rows('lanes=1,2', 'direction=write,read', 'sizes=64,256', 'generation=2');
    expect(found.map(({ lanes, direction, size }) => [lanes, direction, size])).toEqual([
      [1, 'write', 64],
      [1, 'write', 256],
      [1, 'read', 64],
      [1, 'read', 256],
      [2, 'write', 64],
      [2, 'write', 256],
      [2, 'read', 64],
      [2, 'read', 256],
    ]);
  });

  it('has the closed form beside each measurement', () => {
    const [row] = rows('direction=readwrite', 'sizes=1500', 'mps=128');
    const { readWrite } = pcieBandwidth({ generation: 3, lanes: 8, mps: 128, mrrs: 512, size: 1500 });
    expect(row.closedForm).toBeCloseTo(readWrite, 6);
  });

  it.each([
    [1, 1],
    [2, 8],
    [3, 8],
    [3, 16],
    [5, 4],
  ])(
    'measures writes at the rate that headers, SKIPs and the rest leave: generation %i x%i',
    (generation, lanes) => {
      const [row] = rows(`generation=${generation}`, `lanes=${lanes}`, 'direction=write', 'sizes=256');
      const raw = [2, 4, 7.876923, 15.753846, 31.507692][generation - 1] * lanes;
      // Upstream carries no Acks, because nothing comes down, and no UpdateFCs: completions have credits without end.
      const expected = ((raw * 256) / (256 + 24)) * (1 - 4 / 1538);
      expect(Math.abs((row.simulated as number) / expected - 1)).toBeLessThan(0.002);
    },
  );

  it('measures whole transfers over the time that they take, however long that is', () => {
    for (const { simulated, size } of rows(
      'generation=1',
      'lanes=1',
      'direction=write',
      'sizes=512,4096,65536',
    )) {
      const expected = ((2 * 256) / (256 + 24)) * (1 - 4 / 1538);
      expect(simulated, `${size}`).toBeLessThan((2 * 256) / (256 + 24));
      expect(Math.abs((simulated as number) / expected - 1), `${size}`).toBeLessThan(0.001);
    }
  });

  it('measures reads with the Acks of their requests between the completions', () => {
    const rate = { generation: 1, lanes: 1 };
    const [row] = rows('generation=1', 'lanes=1', 'direction=read', 'sizes=256', 'addressBits=32');
    // One request of 20 bytes goes up in the time of a completion of 276; each Ack takes eight bytes of the way down.
    const perRead = 276 + 8;
    expect(updateLatencySymbols(rate, 256) * symbolPs(rate)).toBeGreaterThan(256 * 4000);
    const least = (2 * 256) / (perRead + 8);
    const most = (2 * 256) / 276;
    expect(row.simulated).toBeGreaterThan(least);
    expect(row.simulated).toBeLessThan(most);
  });

  it('reads large blocks a little faster than hardware was measured to: there is no device and no host in the way', () => {
    const [published] = pcieBandwidthExperiment.published;
    for (const [size, measured] of published.rows) {
      const [row] = rows('direction=read', `sizes=${size}`);
      const faster = (row.simulated as number) / (measured as number);
      expect(faster).toBeGreaterThan(1);
      expect(faster).toBeLessThan(1.06);
    }
  });

  it.each([
    [1, '4,64,101,256,4096', '32,64'],
    [4, '64,1500', '64'],
    [16, '64,101,256', '64'],
    [32, '256', '64'],
  ])(
    'measures at generation 6 x%i what the closed form says: the mechanism is the same',
    (lanes, sizes, addressBits) => {
      const found = rows('generation=6', `lanes=${lanes}`, `sizes=${sizes}`, `addressBits=${addressBits}`);
      for (const { closedForm, simulated, direction, size } of found) {
        const difference = Math.abs((simulated as number) - (closedForm as number));
        expect(difference, `${direction} ${size}`).toBeLessThan(0.001 * (closedForm as number));
      }
    },
  );

  it('gives the same result each time', () => {
    const settings = ['sizes=64,1500', 'direction=readwrite'];
    expect(rows(...settings)).toEqual(rows(...settings));
  });
});
