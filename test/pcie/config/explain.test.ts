import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  explainConfig,
  formatLspci,
  lspciAddress,
  lspciTree,
  parseLspciDump,
} from '../../../src/pcie/index.ts';

/** A configuration space with these double words, as other machines have them. */
function space(words: Readonly<Record<number, number>>, length = 4096): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of Object.entries(words)) view.setUint32(Number(offset), value, true);
  return bytes;
}
const titles = (bytes: Uint8Array) => explainConfig(bytes).map(({ title }) => title);
/** What is set, or has a value, in the registers of a part. */
function fieldsOf(bytes: Uint8Array, title: string): Record<string, Record<string, number>> {
  const part = explainConfig(bytes).find((each) => each.title === title)!;
  const found: Record<string, Record<string, number>> = {};
  for (const { name, fields } of part.registers) {
    const set = fields.filter(({ value }) => value !== 0).map((each) => [each.name, each.value]);
    if (set.length > 0) found[name] = Object.fromEntries(set);
  }
  return found;
}

/** Status with a list of capabilities, its pointer, and a PCI Express capability of a root port that ends the list. */
const ROOT_PORT = { 0: 0x6f048086, 4: 0x00100547, 12: 0x00010000, 52: 0x40, 64: 0x01420010 };
const ENDPOINT = { 0: 0x10a6177d, 4: 0x00100406, 52: 0x40, 64: 0x00020010 };

describe('a dump of a real machine', () => {
  it('has functions of several segments', () => {
    const text = [
      { routingId: 0x0008, title: 'PCI bridge', bytes: space(ROOT_PORT, 256) },
      { segment: 0x10000, routingId: 0xe100, title: 'Non-Volatile memory controller', bytes: space({}, 256) },
      { segment: 2, routingId: 0x0100, title: '', bytes: space({}, 64) },
    ];
    const dump = text.map(formatLspci).join('');
    const parsed = parseLspciDump(dump);
    expect(parsed.map(lspciAddress)).toEqual(['00:01.0', '10000:e1:00.0', '0002:01:00.0']);
    expect(parsed).toMatchObject(
      text.map(({ bytes: _, title, ...rest }) => ({ ...rest, title: title.trim() })),
    );
    expect(lspciTree(parsed)).toBe('-+-[0000:00]---01.0\n +-[0002:01]---00.0\n \\-[10000:e1]---00.0\n');
  });

  it('says of a root port what error messages it has received', () => {
    const aer = { 256: 0x00010001, 300: 0x7, 304: 0x7, 308: 0x01000000 };
    const root = fieldsOf(space({ ...ROOT_PORT, ...aer }), 'AER at 100h');
    expect(root['Root Error Command']).toEqual({ 'Reporting Enables': 7 });
    const names = (words: Readonly<Record<number, number>>) =>
      explainConfig(space({ ...words, ...aer }))
        .at(-1)
        ?.registers.map(({ name }) => name);
    expect(names(ROOT_PORT)).toContain('Error Source Identification');
    expect(names(ENDPOINT)).not.toContain('Root Error Command');
  });

  it('has errors and fields that no function here has, each with its name', () => {
    const bytes = space({
      ...ENDPOINT,
      4: 0x02b00417,
      256: 0x14010001,
      264: 1 << 22,
      268: 0x00462030,
      276: 0xe000,
      280: 0x2a0,
      100: 0x00030000,
      112: 0x001e0000,
    });
    expect(fieldsOf(bytes, 'Type 0 header')).toMatchObject({
      Command: { 'Memory Write and Invalidate': 1, 'Interrupt Disable': 1 },
      Status: { '66 MHz Capable': 1, 'Fast Back-to-Back Transactions Capable': 1, 'DEVSEL Timing': 1 },
    });
    expect(fieldsOf(bytes, 'AER at 100h')).toMatchObject({
      'Uncorrectable Error Mask': { 'Uncorrectable Internal Error': 1 },
      'Uncorrectable Error Severity': { 'Surprise Down Error': 1, 'Malformed TLP': 1 },
      'Correctable Error Mask': { 'Corrected Internal Error': 1, 'Header Log Overflow': 1 },
      'Advanced Error Capabilities and Control': { 'Multiple Header Recording Capable': 1 },
    });
    expect(fieldsOf(bytes, 'PCIe at 40h')).toMatchObject({
      'Device Capabilities 2': { '10-bit Tag Completer': 1, '10-bit Tag Requester': 1 },
      'Link Status 2': { 'Equalization Complete': 1, 'Phase 3 Successful': 1 },
    });
  });

  it('has capabilities that no function here has, by their names and registers', () => {
    const bytes = space({
      ...ENDPOINT,
      64: 0x0002_9010,
      144: 0x00e0_a00d,
      148: 0x1234_8086,
      160: 0x0014_0009,
      256: 0x1400_001e,
      260: 0x0028_181f,
      320: 0x1600_001d,
      324: 0x0000_0020,
      328: 0x0000_0003,
      352: 0x1800_0023,
      356: 0x0381_1e98,
      384: 0x1b00_0025,
      388: 0x8000_0001,
      432: 0x0001_0099,
    });
    expect(titles(bytes).slice(2)).toEqual([
      'Subsystem at 90h',
      'Vendor-Specific at a0h',
      'L1 PM Substates at 100h',
      'Downstream Port Containment at 140h',
      'Designated Vendor-Specific at 160h',
      'Data Link Feature at 180h',
      'capability 99h at 1b0h',
    ]);
    expect(fieldsOf(bytes, 'L1 PM Substates at 100h')).toMatchObject({
      'L1 PM Substates Capabilities': {
        'ASPM L1.1': 1,
        'Port Common_Mode_Restore_Time': 0x18,
        'T_POWER_ON Value': 5,
      },
    });
    expect(fieldsOf(bytes, 'Downstream Port Containment at 140h')).toMatchObject({
      'DPC Capability': { 'RP Extensions': 1 },
      'DPC Status': { 'Trigger Status': 1, 'Trigger Reason': 1 },
    });
    expect(fieldsOf(bytes, 'Designated Vendor-Specific at 160h')).toMatchObject({
      'DVSEC Header 1': { 'DVSEC Vendor ID': 0x1e98, 'DVSEC Revision': 1, 'DVSEC Length': 0x38 },
    });
  });

  it('may have a chain that comes back to itself, and one behind 255 that is none of a PCI function', () => {
    const loop = { 256: 0x1400_0001, 320: 0x1000_0003 };
    expect(titles(space({ ...ENDPOINT, 64: 0x0002_4010, ...loop }))).toEqual([
      'Type 0 header',
      'PCIe at 40h',
      'AER at 100h',
      'DSN at 140h',
    ]);
    expect(titles(space({ ...ENDPOINT, 64: 0x0000_0001, ...loop }))).toEqual(['Type 0 header', 'PM at 40h']);
  });

  it('may be of a bridge to CardBus, which has its list and its buses at other places', () => {
    const words = { 4: 0x02100007, 12: 0x00020000, 20: 0xa0, 24: 0x00201d1c, 160: 0xfe020001 };
    expect(titles(space(words, 256))).toEqual(['Type 2 header', 'PM at a0h']);
    const dump = [
      { routingId: 0x0018, title: 'CardBus bridge', bytes: space({ ...words, 24: 0x00040300 }, 256) },
      { routingId: 0x0300, title: 'Network controller', bytes: space({}, 256) },
    ];
    expect(lspciTree(dump)).toBe('-[0000:00]---03.0-[03-04]----00.0\n');
  });

  it('of a bridge has its BARs', () => {
    const [{ registers }] = explainConfig(space({ ...ROOT_PORT, 16: 0xfb10_0004, 24: 0x0002_0100 }));
    expect(registers.map(({ name }) => name)).toContain('BAR0');
    expect(registers.filter(({ name }) => name.startsWith('BAR'))).toHaveLength(1);
  });

  it('can be any bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4096, maxLength: 4096 }),
        fc.constantFrom(0, 1, 2),
        (bytes, type) => {
          bytes[0x06] |= 0x10;
          bytes[0x0e] = type;
          bytes[0x40] = 0x10;
          const parts = explainConfig(bytes);
          expect(new Set(parts.map(({ title }) => title)).size).toBe(parts.length);
        },
      ),
      { numRuns: 50 },
    );
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
  it('finds the same capabilities in a space with all of them', () => {
    const words: Record<number, number> = { ...ENDPOINT };
    const PCI = [0x10, 0x01, 0x03, 0x05, 0x07, 0x08, 0x09, 0x0a, 0x0d, 0x11, 0x12, 0x13];
    PCI.forEach((id, i) => {
      const next = i + 1 < PCI.length ? 0x40 + 16 * (i + 1) : 0;
      words[0x40 + 16 * i] = (next << 8) | id | (id === 0x10 ? 0x20000 : 0);
    });
    const ids = Array.from({ length: 0x30 }, (_, i) => i + 1);
    ids.forEach((id, i) => {
      const next = i + 1 < ids.length ? 0x100 + 64 * (i + 1) : 0;
      words[0x100 + 64 * i] = ((next << 20) | 0x10000 | id) >>> 0;
    });
    const bytes = space(words);
    const folder = mkdtempSync(join(tmpdir(), 'explain-'));
    const file = join(folder, 'dump.txt');
    writeFileSync(file, formatLspci({ routingId: 0x0100, title: 'Ethernet controller', bytes }));
    const shown = execFileSync('lspci', ['-F', file, '-vv', '-n'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    rmSync(folder, { recursive: true });
    const theirs = [...shown.matchAll(/^\tCapabilities: \[([0-9a-f]+)/gm)].map(([, at]) => `${at}h`);
    const ours = titles(bytes).slice(1);
    expect(ours.map((title) => title.split(' ').at(-1))).toEqual(theirs);
    expect(ours.filter((title) => title.startsWith('capability'))).toEqual([]);
  });
});
