import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configBytes, explainConfig, lspciDump } from '../../src/pcie/index.ts';
import { genericConfig } from '../../src/profiles/index.ts';
import { bringUpCard } from '../../src/sim/card-below-port.ts';

const LANES = 16;
const { endpoint, port } = bringUpCard(genericConfig({ generation: 6, lanes: LANES, totalVfs: 8 }), {
  vfs: 2,
});
const [pf] = endpoint.functions;
const express = pf.findCapability(0x10) ?? Number.NaN;
const physical = pf.findExtendedCapability(0x31) ?? Number.NaN;

function hasLspci(): boolean {
  try {
    execFileSync('lspci', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('a card of generation 6', () => {
  it('has run up to 64 GT/s and 16 lanes, in Flit Mode', () => {
    const read = (offset: number) => pf.config.read16(express + offset);
    expect(read(0x02) >> 15).toBe(1);
    // Link Capabilities, Link Status, Link Capabilities 2, Link Control 2, Link Status 2.
    expect(read(0x0c) & 0x3ff).toBe((LANES << 4) | 6);
    expect(read(0x12) & 0x3ff).toBe((LANES << 4) | 6);
    expect(read(0x2c) & 0xfe).toBe(0x7e);
    expect(read(0x30) & 15).toBe(6);
    expect(read(0x32) & 0x0400).toBe(0x0400);
  });

  it('has been equalised at that rate, and has presets of each lane', () => {
    expect(pf.config.read32(physical) & 0xfffff).toBe(0x1_0031);
    expect(pf.config.read32(physical + 0x0c)).toBe(0x0f);
    for (let lane = 0; lane < LANES; lane++) expect(pf.config.read8(physical + 0x10 + lane)).toBe(0xff);
  });

  it('keeps both from cards of other generations, and from VFs what is of the link', () => {
    const vf = endpoint.allFunctions().find(({ isVirtual }) => isVirtual);
    expect(vf?.findExtendedCapability(0x31)).toBe(0);
    expect((vf?.config.read16((vf.findCapability(0x10) ?? 0) + 0x32) ?? -1) & 0x0400).toBe(0);
    const other = bringUpCard(genericConfig({ generation: 5, totalVfs: 8 })).endpoint.functions[0];
    expect(other.findExtendedCapability(0x31)).toBe(0);
    expect(other.config.read16((other.findCapability(0x10) ?? 0) + 2) >> 15).toBe(0);
  });

  it('is explained bit by bit', () => {
    const text = JSON.stringify(explainConfig(configBytes(pf)));
    for (const name of [
      'Flit Mode Supported',
      'Flit Mode Status',
      '64 GT/s',
      '64.0 GT/s Status',
      '64.0 GT/s Lane 15 Equalization Control',
    ]) {
      expect(text).toContain(name);
    }
    expect(text).not.toContain('64.0 GT/s Lane 16');
  });

  it.skipIf(!hasLspci())('is decoded by lspci', () => {
    const folder = mkdtempSync(join(tmpdir(), 'generation-6-'));
    const file = join(folder, 'dump.txt');
    writeFileSync(file, lspciDump([port.function, ...endpoint.allFunctions()], 'os'));
    const shown = execFileSync('lspci', ['-F', file, '-vvv', '-n'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    rmSync(folder, { recursive: true });
    expect(shown).toMatch(/LnkCap:.*Speed 64GT\/s, Width x16/);
    expect(shown).toMatch(/LnkSta:\s+Speed 64GT\/s.*, Width x16/);
    // Versions up to 3.9 know vectors of up to 32 GT/s, and the new capability by its number.
    expect(shown).toMatch(/LnkCap2: Supported Link Speeds: (2\.5-64GT\/s|RsvdP)/);
    expect(shown).toMatch(new RegExp(`Capabilities: \\[${physical.toString(16)} v1\\] .*`));
    expect(shown).not.toMatch(/<\?>|\bbad\b|invalid|chain looped|broken/);
  });
});
