import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configBytes,
  enableVfs,
  explainConfig,
  formatExplained,
  formatLspci,
  lspciDump,
  parseLspciDump,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/intel-82599-config.ts';
import { machine } from './fixture.ts';

const { root, port, endpoint, nics } = machine(intel82599Config(), { memory64: undefined });
const before = lspciDump([port.function, ...endpoint.allFunctions()], 'os');
enableVfs(root, nics[0], 4, { wait: () => {} });
const functions = [port.function, ...endpoint.allFunctions()];
const raw = lspciDump(functions, 'raw');
const os = lspciDump(functions, 'os');

describe('lspciDump', () => {
  it('writes a line for the function, 256 rows of 16 bytes and an empty line', () => {
    const lines = os.split('\n');
    expect(lines[0]).toBe('00:01.0 PCI bridge: PCI Express port');
    expect(lines[258]).toMatch(/^01:00\.0 Ethernet controller: Intel Corporation 82599ES /);
    expect(lines[259]).toBe('00: 86 80 fb 10 07 00 10 00 01 00 00 02 00 00 00 00');
    expect(lines[259 + 255].slice(0, 8)).toBe('ff0: 00 ');
    expect(lines).toHaveLength(6 * 258 + 1);
  });

  it('has what the hardware answers in the raw view, and the IDs of VFs filled in for an operating system', () => {
    const ids = (text: string) => parseLspciDump(text).map(({ bytes }) => Array.from(bytes.subarray(0, 4)));
    expect(ids(raw)[2]).toEqual([0xff, 0xff, 0xff, 0xff]);
    expect(ids(os)[2]).toEqual([0x86, 0x80, 0xed, 0x10]);
    expect(ids(raw)[1]).toEqual(ids(os)[1]);
  });

  it('reads back what it wrote', () => {
    const parsed = parseLspciDump(raw);
    expect(parsed.map(({ routingId }) => routingId)).toEqual(functions.map((fn) => fn.routingId));
    expect(parsed.map(({ bytes }) => bytes)).toEqual(functions.map(configBytes));
    expect(parsed.map(formatLspci).join('')).toBe(raw);
  });
});

describe('parseLspciDump', () => {
  it('passes over what lspci -v has between, and takes 64 and 256 bytes too', () => {
    const row = (at: string) => `${at}: ${Array.from({ length: 16 }, () => '00').join(' ')}\n`;
    const text = `0000:01:00.0 Ethernet: x\n\tFlags: fast devsel\n${['00', '10', '20', '30'].map(row).join('')}\n`;
    const [parsed] = parseLspciDump(text);
    expect([parsed.routingId, parsed.title, parsed.bytes.length]).toEqual([0x0100, 'Ethernet: x', 64]);
  });

  it('names the line where bytes are out of place', () => {
    const bytes = Array.from({ length: 16 }, () => '00').join(' ');
    expect(() => parseLspciDump(`00: ${bytes}\n`)).toThrow('line 1: a row of 16 bytes is out of place');
    expect(() => parseLspciDump(`01:00.0 x\n10: ${bytes}\n`)).toThrow('line 2:');
    expect(() => parseLspciDump('01:00.0 x\n00: 00 11\n')).toThrow('line 2:');
  });
});

describe('explainConfig', () => {
  it('splits a configuration space into header and capabilities', () => {
    const parts = explainConfig(configBytes(endpoint.functions[0]));
    expect(parts.map(({ title }) => title)).toEqual([
      'Type 0 header',
      'PM at 40h',
      'MSI at 50h',
      'MSI-X at 70h',
      'PCIe at a0h',
      'VPD at e0h',
      'AER at 100h',
      'DSN at 140h',
      'ARI at 150h',
      'SR-IOV at 160h',
    ]);
    const numVfs = parts[9].registers.find(({ name }) => name === 'NumVFs');
    expect(numVfs).toMatchObject({ offset: 0x170, value: 4 });
    const device = parts[4].registers.find(({ name }) => name === 'Device Control');
    expect(device?.fields.find(({ name }) => name === 'Max_Read_Request_Size')?.meaning).toBe('512 bytes');
    expect(formatExplained(parts)).toContain('170      0004  NumVFs: VFs that VF Enable brings\n');
  });

  it('explains bridges, VFs and shorter dumps', () => {
    const bridge = explainConfig(configBytes(port.function));
    expect(bridge[0].title).toBe('Type 1 header');
    expect(bridge[0].registers.find(({ name }) => name === 'Secondary Bus Number')?.value).toBe(1);
    expect(explainConfig(configBytes(functions[2]))).toHaveLength(5);
    expect(explainConfig(configBytes(functions[1]).subarray(0, 256))).toHaveLength(6);
    expect(explainConfig(configBytes(functions[1]).subarray(0, 64))).toHaveLength(1);
  });

  it('shows the header of a capability that it does not know', () => {
    const bytes = configBytes(endpoint.functions[0]);
    bytes[0x40] = 0x7f;
    const [, vendor] = explainConfig(bytes);
    expect([vendor.title, vendor.registers.length]).toEqual(['capability 7fh at 40h', 1]);
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

describe(hasLspci ? 'lspci' : 'lspci (not installed: the tests with it are left out)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lspci-'));
  const run = (text: string, ...args: string[]): string => {
    const file = join(folder, 'dump.txt');
    writeFileSync(file, text);
    return execFileSync('lspci', ['-F', file, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  };
  let pf = '';
  beforeAll(() => {
    if (hasLspci) pf = run(before, '-vvv', '-s', '01:00.0');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it
    .skipIf(!hasLspci)
    .each([
      /Subsystem: Intel Corporation Ethernet Server Adapter X520-1/,
      /Region 0: Memory at [0-9a-f]+ \(64-bit, prefetchable\)/,
      /Region 2: I\/O ports at 1000/,
      /Region 4: Memory at [0-9a-f]+ \(64-bit, prefetchable\)/,
      /\[40\] Power Management version 3/,
      /PMEClk- DSI\+ D1- D2- AuxCurrent=0mA PME\(D0\+,D1-,D2-,D3hot\+,D3cold-\)/,
      /Status: D0 NoSoftRst- PME-Enable- DSel=0 DScale=1 PME-/,
      /\[50\] MSI: Enable- Count=1\/1 Maskable\+ 64bit\+/,
      /\[70\] MSI-X: Enable- Count=64 Masked-/,
      /Vector table: BAR=4 offset=00000000/,
      /PBA: BAR=4 offset=00002000/,
      /\[a0\] Express \(v2\) Endpoint/,
      /MaxPayload 512 bytes, PhantFunc 0, Latency L0s <512ns, L1 <64us/,
      /RBE\+ FLReset\+/,
      /RlxdOrd\+ ExtTag- PhantFunc- AuxPwr- NoSnoop\+ FLReset-/,
      /MaxPayload 128 bytes, MaxReadReq 512 bytes/,
      /LnkCap:\tPort #0, Speed 5GT\/s, Width x8, ASPM L0s/,
      /LnkSta:\tSpeed 5GT\/s.*, Width x8/,
      /Completion Timeout: Range ABCD, TimeoutDis\+/,
      /Target Link Speed: 5GT\/s/,
      /\[e0\] Vital Product Data/,
      /\[100 v1\] Advanced Error Reporting/,
      /UESvrt:\tDLP\+ SDES- TLP- FCP\+ CmpltTO- CmpltAbrt- UnxCmplt- RxOF\+ MalfTLP\+ ECRC- UnsupReq-/,
      /\[140 v1\] Device Serial Number 90-e2-ba-ff-ff-76-86-a8/,
      /\[150 v1\] Alternative Routing-ID Interpretation \(ARI\)/,
      /ARICap:\tMFVC- ACS-, Next Function: 0/,
      /\[160 v1\] Single Root I\/O Virtualization \(SR-IOV\)/,
      /IOVCtl:\tEnable- Migration- Interrupt- MSE- ARIHierarchy\+/,
      /Initial VFs: 64, Total VFs: 64, Number of VFs: 0, Function Dependency Link: 00/,
      /VF offset: 128, stride: 2, Device ID: 10ed/,
      /Supported Page Size: 00000553, System Page Size: 00000001/,
      /Region 0: Memory at 00000000e[0-9a-f]+ \(64-bit, non-prefetchable\)/,
      /Region 3: Memory at 00000000e[0-9a-f]+ \(64-bit, non-prefetchable\)/,
      /VF Migration: offset: 00000000, BIR: 0/,
    ])('shows of a PF what a real 82599 shows: %s', (line) => {
    expect(pf).toMatch(line);
  });

  it.skipIf(!hasLspci)('lists VFs by their names in the view of an operating system', () => {
    const lines = run(os).trim().split('\n').slice(2);
    expect(lines.map((line) => line.slice(0, 7))).toEqual(['01:10.0', '01:10.2', '01:10.4', '01:10.6']);
    for (const line of lines) {
      expect(line).toMatch(
        /Ethernet controller: Intel Corporation 82599 Ethernet Controller Virtual Function \(rev 01\)/,
      );
    }
  });

  it.skipIf(!hasLspci)('shows of a VF bus mastering alone, no interrupt pin and four capabilities', () => {
    root.write(0x0180, 4, 2, 0xffff);
    const text = run(lspciDump(functions, 'os'), '-vvv', '-s', '01:10.0');
    expect(text).toMatch(
      /Control: I\/O- Mem- BusMaster\+ SpecCycle- MemWINV- VGASnoop- ParErr- Stepping- SERR-/,
    );
    expect(text).not.toMatch(/Interrupt: pin/);
    expect([...text.matchAll(/Capabilities: \[(\w+)/g)].map(([, at]) => at)).toEqual([
      '70',
      'a0',
      '100',
      '150',
    ]);
    expect(text).toMatch(
      /MSI-X: Enable- Count=3 Masked-\n\t\tVector table: BAR=3 offset=00000000\n\t\tPBA: BAR=3 offset=00002000/,
    );
  });

  it.skipIf(!hasLspci)('knows no device in the raw view, where VFs read FFFFh', () => {
    expect(run(raw, '-n', '-s', '01:10.0')).toMatch(/ffff:ffff/);
  });

  it.skipIf(!hasLspci)('shows PF and VFs below the root port, not as orphans', () => {
    const tree = run(os, '-t');
    expect(tree).toMatch(/\[0000:00\]-+01\.0-\[01\]-/);
    expect(tree).toMatch(/10\.6/);
  });

  it.skipIf(!hasLspci)('writes the bytes back as they were', () => {
    const rows = (text: string) => text.split('\n').filter((line) => /^[0-9a-f]{2,3}: /.test(line));
    expect(rows(run(os, '-xxxx'))).toEqual(rows(os));
  });
});
