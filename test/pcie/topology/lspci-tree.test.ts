import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACS_ISOLATION,
  type LspciFunction,
  lspciDump,
  lspciTree,
  parseLspciDump,
} from '../../../src/pcie/index.ts';
import { makeTower, type TowerOptions, turnOn } from './fixture.ts';
import { arbitraryPorts, buildTree } from './random-tree.ts';

const hasLspci = spawnSync('lspci', ['--version']).status === 0;

const treeOf = (dump: string) => lspciTree(parseLspciDump(dump));
const dumpOf = (options: TowerOptions) => lspciDump(makeTower(options).hierarchy.functions(), 'os');

describe('lspciTree', () => {
  it('shows ports, switches, PFs and VFs in place', () => {
    expect(treeOf(dumpOf({ vfs: 2 }))).toBe(`\
-[0000:00]-+-01.0-[01-04]----00.0-[02-04]--+-00.0-[03]--+-00.0
           |                               |            +-02.0
           |                               |            \\-02.1
           |                               \\-01.0-[04]--+-00.0
           |                                            +-02.0
           |                                            \\-02.1
           \\-02.0-[05]--+-00.0
                        +-02.0
                        \\-02.1
`);
  });

  it('shows VFs on the next bus at the port that leads there, and ports with nothing below', () => {
    const dump = dumpOf({ vfs: 2, ports: [{ ariForwarding: false }, {}, {}] });
    expect(treeOf(dump).split('\n').slice(0, 4)).toEqual([
      '-[0000:00]-+-01.0-[01-06]----00.0-[02-06]--+-00.0-[03-04]--+-[0000:03]---00.0',
      '           |                               |               \\-[0000:04]-+-00.0',
      '           |                               |                           \\-00.1',
      '           |                               +-01.0-[05]--+-00.0',
    ]);
    expect(treeOf(dump)).toContain('\\-02.0-[06]--\n');
  });

  it('writes titles behind functions that are no bridges', () => {
    const functions = parseLspciDump(dumpOf({}));
    expect(lspciTree(functions, { titles: true })).toContain('--00.0  Ethernet controller: generic\n');
  });
});

describe('lspciTree of what no firmware has numbered', () => {
  /** A bridge at a Routing ID with its secondary and subordinate bus, or with none a function that is no bridge. */
  const at = (routingId: number, ...[secondary, subordinate]: number[]): LspciFunction => {
    const bytes = new Uint8Array(64);
    if (secondary !== undefined) bytes.set([0, secondary, subordinate], 0x18);
    bytes[0x0e] = secondary === undefined ? 0 : 1;
    return { routingId, title: '', bytes };
  };

  it('shows a bridge whose secondary bus is its own', () => {
    expect(lspciTree([at(0x0500, 5, 5)])).toMatch(/\[0000:05\]---00\.0-\[05\]--/);
    expect(lspciTree([at(0x0008, 1, 3), at(0x0100, 1, 1)])).toMatch(/01\.0-\[01-03\]----00\.0-\[01\]--/);
  });

  it('shows bridges in a circle, each once', () => {
    const tree = lspciTree([at(0x0100, 2, 2), at(0x0200, 1, 1), at(0x0208)]);
    expect(tree.match(/00\.0-\[/g)).toHaveLength(2);
    expect(tree.match(/01\.0/g)).toHaveLength(1);
  });

  it('takes a dump of 16 bytes', () => {
    const short = { ...at(0x0008, 1, 1), bytes: at(0x0008, 1, 1).bytes.slice(0, 16) };
    expect(lspciTree([short])).toBe('-[0000:00]---01.0\n');
  });

  it('shows every function once, whatever the numbers of bridges', () => {
    const bus = fc.nat(4);
    const some = fc.uniqueArray(fc.tuple(bus, fc.nat(3), fc.option(fc.tuple(bus, bus))), {
      selector: ([on, device]) => 32 * on + device,
      maxLength: 12,
    });
    fc.assert(
      fc.property(some, (list) => {
        const functions = list.map(([on, device, range]) => at((on << 8) | (device << 3), ...(range ?? [])));
        const shown = lspciTree(functions).match(/\d\d\.0/g) ?? [];
        const names = list.map(([, device]) => `0${device}.0`);
        expect([...shown].sort()).toEqual(names.sort());
      }),
      { numRuns: 500 },
    );
  });
});

describe.skipIf(!hasLspci)('lspci -F of pciutils', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sriovsim-tree-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const lspci = (dump: string, ...options: string[]) => {
    const file = join(folder, 'dump.txt');
    writeFileSync(file, dump);
    return execFileSync('lspci', ['-F', file, ...options], { encoding: 'utf8' });
  };

  it('shows the same tree of random hierarchies with -t', () => {
    fc.assert(
      fc.property(arbitraryPorts(0), (plans) => {
        const dump = lspciDump(buildTree(plans).hierarchy.functions(), 'os');
        expect(treeOf(dump)).toBe(lspci(dump, '-t'));
      }),
      { numRuns: 20 },
    );
  });

  it('shows the same where buses are out of reach, or a bridge is alone', () => {
    const { hierarchy, ports, root } = makeTower({ vfs: 2, ports: [{ ariForwarding: false }, {}] });
    const check = (from = 0, to?: number) => {
      const dump = lspciDump(hierarchy.functions().slice(from, to), 'os');
      expect(treeOf(dump)).toBe(lspci(dump, '-t'));
    };
    ports[0].function.config.write8(0x1a, 3);
    check();
    check(2);
    check(0, 1);
    root.function.config.write8(0x1a, 1);
    check();
  });

  it('decodes the access control services of ports', () => {
    const tower = makeTower();
    turnOn(tower.ports[0].function, ACS_ISOLATION);
    const text = lspci(lspciDump(tower.hierarchy.functions(), 'os'), '-vvv', '-s', '02:00.0');
    expect(text).toMatch(
      /ACSCap:\s+SrcValid\+ TransBlk\+ ReqRedir\+ CmpltRedir\+ UpstreamFwd\+ EgressCtrl\+ DirectTrans\+/,
    );
    expect(text).toMatch(
      /ACSCtl:\s+SrcValid\+ TransBlk- ReqRedir\+ CmpltRedir\+ UpstreamFwd\+ EgressCtrl- DirectTrans-/,
    );
  });
});
