import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  configBytes,
  ECAP_SRIOV,
  explainConfig,
  formatRoutingId,
  lspciDump,
  parseLspciDump,
} from '../../src/pcie/index.ts';
import { CARD_CONFIGS, genericConfig, intel82599Config } from '../../src/profiles/index.ts';
import { tableProblems } from '../../src/registers/index.ts';
import { bringUpCard } from '../../src/sim/card-below-port.ts';
import { parseScenario } from '../../src/sim/scenario.ts';

function card(name: string, options: { vfs?: number; ari?: boolean; ports?: number } = {}) {
  const config = CARD_CONFIGS.find((each) => each.name === name)!;
  return bringUpCard(config.functions(options.ports ?? config.ports[0], false), options);
}

/** `count` bytes from `offset` on, as a dump has them. */
function bytes({ endpoint }: ReturnType<typeof card>, routingId: number, offset: number, count: number) {
  const all = configBytes(endpoint.functionAt(routingId)!);
  return Array.from(all.subarray(offset, offset + count), (byte) => byte.toString(16).padStart(2, '0')).join(
    ' ',
  );
}

describe('SR-IOV capabilities of real cards', () => {
  it.each([
    ['intel-82599', 0x160, 64, 0x10ed, 0x553, [128, 2], [384, 2], [0, 3]],
    ['intel-82576', 0x160, 8, 0x10ca, 0x553, [128, 2], [384, 2], [0, 3]],
    ['intel-i350', 0x160, 8, 0x1520, 0x553, [128, 4], [384, 4], [0, 3]],
    ['intel-x710', 0x160, 64, 0x154c, 0x553, [16, 1], [272, 1], [0, 3]],
    ['broadcom-bcm57810', 0x1c0, 16, 0x16af, 0x5ff, [8, 1], [8, 1], [0, 4]],
  ])('%s', (name, at, totalVfs, deviceId, pageSizes, withAri, withoutAri, vfBars) => {
    for (const [ari, routing] of [
      [true, withAri],
      [false, withoutAri],
    ] as const) {
      const { endpoint, pfs, problems } = card(name, { ari });
      // A port without ARI forwarding reaches device 0 alone, and these VFs are device 1.
      expect(problems).toHaveLength(name === 'broadcom-bcm57810' && !ari ? 2 : 0);
      const [fn] = endpoint.functions;
      expect(fn.findExtendedCapability(ECAP_SRIOV)).toBe(at);
      const read16 = (offset: number) => fn.config.read16(at + offset);
      expect([read16(0x0c), read16(0x0e), read16(0x1a)]).toEqual([totalVfs, totalVfs, deviceId]);
      expect([read16(0x14), read16(0x16)]).toEqual(routing);
      expect(fn.config.read32(at + 0x1c)).toBe(pageSizes);
      expect(pfs[0].sriov?.vfBars.map(({ index, kind }) => [index, kind])).toEqual(
        vfBars.map((index) => [index, 'memory64']),
      );
    }
  });

  it('has the 64 bytes that a real 82576 has with one VF in a slot without ARI', () => {
    const machine = card('intel-82576', { vfs: 1, ari: false });
    const { config } = machine.endpoint.functions[0];
    config.write32(0x184, 0xd2840000);
    config.write32(0x190, 0xd2860000);
    expect(bytes(machine, 0x0100, 0x160, 64)).toBe(
      '10 00 01 00 00 00 00 00 09 00 00 00 08 00 08 00 01 00 00 00 80 01 02 00 00 00 ca 10 53 05 00 00 ' +
        '01 00 00 00 04 00 84 d2 00 00 00 00 00 00 00 00 04 00 86 d2 00 00 00 00 00 00 00 00 00 00 00 00',
    );
  });

  it('has the chains that real cards have', () => {
    const chain = (name: string, vf: boolean) => {
      const { endpoint, vfs } = card(name, { vfs: 1 });
      const fn = vf ? endpoint.functionAt(vfs[0][0])! : endpoint.functions[0];
      return explainConfig(configBytes(fn))
        .slice(1)
        .map(({ title }) => title.replace(' at ', ' '))
        .join(', ');
    };
    expect(chain('intel-82576', false)).toBe(
      'PM 40h, MSI 50h, MSI-X 70h, PCIe a0h, AER 100h, DSN 140h, ARI 150h, SR-IOV 160h',
    );
    expect(chain('intel-i350', false)).toBe(
      'PM 40h, MSI 50h, MSI-X 70h, PCIe a0h, AER 100h, DSN 140h, ARI 150h, SR-IOV 160h, TPH 1a0h, LTR 1c0h, ACS 1d0h',
    );
    expect(chain('intel-i350', true)).toBe('MSI-X 70h, PCIe a0h, AER 100h, ARI 150h, TPH 1a0h, ACS 1d0h');
    expect(chain('intel-x710', false)).toBe(
      'PM 40h, MSI 50h, MSI-X 70h, PCIe a0h, AER 100h, DSN 140h, ARI 150h, SR-IOV 160h, TPH 1a0h, ACS 1b0h, Secondary PCIe 1d0h',
    );
  });

  it('has the VFs of an X710 with four ports where a real one has them', () => {
    const { endpoint } = card('intel-x710', { ports: 4, ari: false });
    const { config } = endpoint.functions[2];
    expect([config.read16(0x16e), config.read8(0x172), config.read16(0x174)]).toEqual([32, 2, 334]);
  });

  it('keeps the VFs of all ports apart, however many are enabled', () => {
    for (const { name, ports } of CARD_CONFIGS) {
      for (const count of ports) {
        for (const ari of name === 'broadcom-bcm57810' ? [true] : [true, false]) {
          const { endpoint, vfs } = card(name, { ports: count, vfs: 8, ari });
          const all = [...endpoint.functions.map(({ routingId }) => routingId), ...vfs.flat()];
          expect(new Set(all).size, `${name}, ${count} ports`).toBe(count + 8 * count);
        }
      }
    }
  });
});

describe('a card', () => {
  it.each(
    CARD_CONFIGS.filter(({ name }) => name !== 'generic').map((config) => [config.name, config] as const),
  )('%s is made with as many ports as there are, and no others', (_, { ports, functions }) => {
    for (const count of ports) expect(functions(count, false)).toHaveLength(count);
    for (const count of [0, 3, 5, 1.5, -1, Number.NaN])
      expect(() => functions(count, false), `${count}`).toThrow(/^ports must be one of 1.*, got /);
  });

  it('82599 has no other options than those that it says', () => {
    const options = { port: 2 } as object;
    expect(() => intel82599Config(options)).toThrow('options has no "port": allowed are ports, deviceId');
  });
});

describe('every card', () => {
  it.each(CARD_CONFIGS.map(({ name }) => name))('%s has sound tables, PF and VF', (name) => {
    const { endpoint } = card(name, { vfs: 1 });
    for (const { config } of endpoint.allFunctions()) {
      expect(tableProblems(config.layout.table)).toEqual([]);
      for (const row of config.layout.table.rows) {
        expect(row.section).toMatch(/^(PCI|PCIe|PCI-PM|SR-IOV|ATS) /);
      }
    }
  });

  it.each(CARD_CONFIGS.map(({ name }) => name))('%s explains all that it has', (name) => {
    const { endpoint } = card(name, { vfs: 1 });
    for (const fn of endpoint.allFunctions()) {
      const parts = explainConfig(configBytes(fn));
      expect(parts.map(({ title }) => title).filter((title) => title.startsWith('capability'))).toEqual([]);
      const explained = new Map(
        parts.flatMap(({ registers }) => registers).map((each) => [each.offset, each]),
      );
      for (const row of fn.config.layout.table.rows) {
        if (/BAR|^Expansion|^VPD/.test(row.name)) continue;
        const fields = (row.fields ?? []).filter(({ access }) => access !== 'RsvdP' && access !== 'RsvdZ');
        const named = explained.get(row.offset)?.fields.map(({ name: field }) => field) ?? [];
        expect(named, `${name} ${row.name}`).toEqual(
          expect.arrayContaining(fields.map((field) => field.name)),
        );
      }
    }
  });
});

describe('a scenario', () => {
  it('is told of a card that has a configuration space and no data path', () => {
    for (const { name, hasDataPath } of CARD_CONFIGS) {
      if (hasDataPath || name === 'generic') continue;
      expect(() => parseScenario({ nic: { profile: name } })).toThrow(
        `nic.profile: "${name}" has a configuration space and no data path`,
      );
    }
  });
});

describe('the generic card', () => {
  it('has every limit as a parameter', () => {
    const functions = genericConfig({
      pfs: 3,
      totalVfs: 100,
      vectors: 2048,
      vfVectors: 9,
      vfBarBytes: 4096,
      maxPayloadBytes: 4096,
      generation: 5,
      lanes: 8,
      functionDependencyLink: 0,
      routing: { ari: { firstVfOffset: 32, vfStride: 3 }, other: { firstVfOffset: 256, vfStride: 3 } },
    });
    const { endpoint, vfs, pfs } = bringUpCard(functions, { vfs: 100 });
    const { config } = endpoint.functions[2];
    const at = endpoint.functions[2].findExtendedCapability(ECAP_SRIOV);
    expect([config.read16(at + 0x0e), config.read8(at + 0x12)]).toEqual([100, 0]);
    expect(pfs[0].sriov?.vfBars[0].bytes).toBe(4096);
    expect(formatRoutingId(vfs[0][99])).toBe('02:09.1');
    const vf = endpoint.functionAt(vfs[1][1])!;
    expect(vf.config.read16(vf.findCapability(0x11) + 2)).toBe(8);
    expect(vf.config.read32(vf.findCapability(0x10) + 0x0c) & 0x3ff).toBe((8 << 4) | 5);
  });

  it.each([
    [{ pfs: 257 }, 'pfs must be an integer from 1 to 256, got 257'],
    [{ totalVfs: 65_536 }, 'totalVfs must be an integer from 1 to 65535'],
    [{ maxPayloadBytes: 192 }, 'maxPayloadBytes must be a power of two, got 192'],
    [{ generation: 7 }, 'generation must be an integer from 1 to 6'],
    [{ pasidWidth: 0 }, 'pasidWidth must be an integer from 1 to 20'],
    [{ lanes: 3 }, 'lanes must be one of 1, 2, 4, 8, 12, 16, 32, got 3'],
    [{ lanes: 64 }, 'lanes must be one of'],
    [{ generation: 2.5 }, 'generation must be an integer'],
    [{ vectors: 0 }, 'vectors must be an integer from 1 to 2048, got 0'],
    [{ vfVectors: 2049 }, 'vfVectors must be an integer from 1 to 2048, got 2049'],
    [{ msiVectors: 3 }, 'msiVectors must be one of 1, 2, 4, 8, 16, 32, got 3'],
    [{ barBytes: 1000 }, 'barBytes must be a power of two, got 1000'],
    [{ vfBarBytes: 2048 }, 'vfBarBytes must be an integer from 4096'],
    [{ vfDeviceId: 0x10000 }, 'vfDeviceId must be an integer from 0 to 65535'],
    [{ functionDependencyLink: 256 }, 'functionDependencyLink must be an integer from 0 to 255'],
    [{ invalidateQueueDepth: 33 }, 'invalidateQueueDepth must be an integer from 1 to 32'],
    [{ pageRequests: 0 }, 'pageRequests must be an integer from 1 to'],
    [{ steeringTags: 65 }, 'steeringTags must be an integer from 1 to 64'],
    [{ supportedPageSizes: 1 }, 'supportedPageSizes must include 0x553, got 0x1'],
    [{ noSoftReset: 1 }, 'noSoftReset must be true or false, got 1'],
    [{ totalVFs: 8 }, 'options has no "totalVFs": allowed are pfs, totalVfs'],
    [{ identity: { vendor: 1 } }, 'identity has no "vendor": allowed are vendorId'],
    [{ identity: { vendorId: 0xffff } }, 'identity.vendorId must be an integer from 0 to 65534'],
  ])('refuses %j', (options, message) => {
    expect(() => genericConfig(options as object)).toThrow(message);
  });

  it('enables as many VFs as bus numbers reach', () => {
    // All of buses 1 to 255 but for the PF.
    const { vfs, endpoint } = card('generic', { vfs: 65_279 });
    expect(formatRoutingId(vfs[0][65_278])).toBe('ff:1f.7');
    expect(endpoint.functionAt(0xffff)?.vfIndex).toBe(65_278);
    expect(endpoint.functionAt(0x8000)?.sriov).toBe(null);
  });
});

const hasLspci = (() => {
  try {
    execFileSync('lspci', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasLspci)('lspci', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cards-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = (command: string, text: string, ...args: string[]): string => {
    const file = join(folder, 'dump.txt');
    writeFileSync(file, text);
    const before = command === 'setpci' ? ['-A', 'dump', '-O', `dump.name=${file}`] : ['-F', file];
    return execFileSync(command, [...before, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  };
  const dump = (name: string, vfs: number, view: 'raw' | 'os') => {
    const { port, endpoint } = card(name, { vfs });
    return lspciDump([port.function, ...endpoint.allFunctions()], view);
  };

  it.each(CARD_CONFIGS.flatMap(({ name }) => [0, 2].map((vfs) => [name, vfs] as const)))(
    'decodes every capability of %s with %i VFs a port without complaint',
    (name, vfs) => {
      for (const view of ['raw', 'os'] as const) {
        const text = dump(name, vfs, view);
        const shown = run('lspci', text, '-vvv', '-n');
        expect(shown).not.toMatch(/<\?>|\bbad\b|invalid|chain looped|broken|Extended Capability ID/);
        // A VF has no Link Status of its own; nothing else is unknown.
        expect(shown.split('\n').filter((line) => /unknown/i.test(line) && !/LnkSta:/.test(line))).toEqual(
          [],
        );
        const parts = parseLspciDump(text).map(({ bytes: all }) => explainConfig(all).length - 1);
        const total = parts.reduce((sum, count) => sum + count, 0);
        expect(shown.match(/\tCapabilities: \[/g)).toHaveLength(total);
      }
    },
  );

  it('shows every function in the tree below the root port', () => {
    const tree = run('lspci', dump('intel-82576', 7, 'os'), '-t');
    expect(tree.trim().split('\n')).toHaveLength(16);
    expect(tree).toMatch(/^-\[0000:00\]---01\.0-\[01\]--\+-00\.0/);
    expect(tree).toMatch(/\\-11\.5/);
  });

  it('shows payloads and links as of a machine that runs', () => {
    const shown = run('lspci', dump('intel-82599', 0, 'os'), '-vvv');
    expect(shown.match(/MaxPayload 256 bytes, MaxReadReq 512 bytes/g)).toHaveLength(2);
    expect(shown.match(/LnkSta:\tSpeed 5GT\/s.*, Width x8/g)).toHaveLength(2);
  });

  it('lets setpci read registers', () => {
    const text = dump('intel-i350', 1, 'raw');
    expect(run('setpci', text, '-s', '01:00.0', 'ECAP_SRIOV+0x10.W').trim()).toBe('0001');
    expect(run('setpci', text, '-s', '01:10.0', 'VENDOR_ID').trim()).toBe('ffff');
  });
});
