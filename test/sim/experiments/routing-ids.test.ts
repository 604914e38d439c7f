import { describe, expect, it } from 'vitest';
import { routingIdsExperiment, runExperiment } from '../../../src/sim/experiments/index.ts';

function rows(...settings: string[]) {
  return runExperiment(routingIdsExperiment, settings).rows.map((row) => row.slice(1, -1));
}

describe('the experiment routing-ids', () => {
  it('has the VFs of an 82599 at PF + 128 + 2 x i in a slot with ARI', () => {
    expect(rows('ari=yes', 'vfs=3')).toEqual([
      ['yes', 3, 128, 2, 0, 0x0180, '01:10.0'],
      ['yes', 3, 128, 2, 1, 0x0182, '01:10.2'],
      ['yes', 3, 128, 2, 2, 0x0184, '01:10.4'],
    ]);
  });

  it('has them on the next bus in a slot without', () => {
    expect(rows('ari=no', 'vfs=2')).toEqual([
      ['no', 2, 384, 2, 0, 0x0280, '02:10.0'],
      ['no', 2, 384, 2, 1, 0x0282, '02:10.2'],
    ]);
  });

  it('has the last of 64 VFs at the end of the bus', () => {
    const all = rows('ari=yes', 'vfs=64');
    expect(all).toHaveLength(64);
    expect(all.at(-1)).toEqual(['yes', 64, 128, 2, 63, 0x01fe, '01:1f.6']);
  });

  it('does every combination', () => {
    expect(rows('vfs=1,2').map(([ari, numVfs, , , vf]) => [ari, numVfs, vf])).toEqual([
      ['yes', 1, 0],
      ['yes', 2, 0],
      ['yes', 2, 1],
      ['no', 1, 0],
      ['no', 2, 0],
      ['no', 2, 1],
    ]);
  });

  it('has cards in the order in which they are asked for', () => {
    const names = (profile: string) =>
      runExperiment(routingIdsExperiment, [`profile=${profile}`, 'ari=yes', 'vfs=1']).rows.map(
        ([name]) => name,
      );
    expect(names('intel-82599,generic')).toEqual(['intel-82599', 'generic']);
    expect(names('generic,intel-82599')).toEqual(['generic', 'intel-82599']);
  });

  it('has each PF of a card with several', () => {
    const all = runExperiment(routingIdsExperiment, ['profile=intel-82576', 'ari=yes', 'vfs=2']).rows;
    expect(all.map((row) => [row.at(-1), row.at(-2)])).toEqual([
      ['01:00.0', '01:10.0'],
      ['01:00.0', '01:10.2'],
      ['01:00.1', '01:10.1'],
      ['01:00.1', '01:10.3'],
    ]);
  });

  it('carries into the next buses with more VFs than a bus has', () => {
    const all = rows('profile=generic', 'ari=yes', 'vfs=600');
    expect(all.at(-1)).toEqual(['yes', 600, 1, 1, 599, 0x0358, '03:0b.0']);
  });

  it('refuses more VFs than the card has, and more than there are buses for', () => {
    expect(() => rows('profile=intel-82576', 'vfs=9')).toThrow(
      'vfs: "9" does not fit intel-82576; allowed whole numbers from 1 to 8',
    );
    expect(() => rows('profile=generic', 'vfs=65535')).toThrow(
      /^vfs: "65535" does not fit generic: .*bus 100/,
    );
  });
});
