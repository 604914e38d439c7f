import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import { ScenarioError } from '../../src/sim/scenario-error.ts';
import { parseScenario, parseScenarioText } from '../../src/sim/scenario-parse.ts';
import { resolveScenario } from '../../src/sim/scenario-resolve.ts';
import { FAULT_MISTAKES } from './fault-mistakes.ts';
import { PCIE_MISTAKES } from './pcie-mistakes.ts';
import { MISTAKES } from './scenario-mistakes.ts';
import { SWITCH_MISTAKES } from './switch-mistakes.ts';

const capture = readFileSync(new URL('../../scenarios/captures/namespaces.pcap', import.meta.url));

function readCapture(file: string): Uint8Array {
  if (file === 'namespaces.pcap') return capture;
  if (file === 'truncated.pcap') return capture.subarray(0, 100);
  if (file === 'text.txt') return new TextEncoder().encode('no capture');
  throw new Error('no such file');
}

function errorOf(action: () => unknown): ScenarioError {
  try {
    action();
  } catch (error) {
    if (error instanceof ScenarioError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('a scenario with', () => {
  it.each([...MISTAKES, ...SWITCH_MISTAKES, ...FAULT_MISTAKES, ...PCIE_MISTAKES])(
    '$name is refused',
    ({ scenario, line }) => {
      const error = errorOf(() =>
        resolveScenario(parseScenario(scenario, 's.json'), { source: 's.json', readCapture, pcieParts }),
      );
      expect(error.message).toBe(`s.json: ${line}`);
      expect(error.message).not.toContain('\n');
    },
  );
});

describe('ScenarioError', () => {
  it('names the place, the value and what is allowed one by one', () => {
    const error = errorOf(() => resolveScenario({ guests: [{ vfs: [{ vf: 70 }] }] }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({
      name: 'ScenarioError',
      source: 'scenario',
      path: 'guests[0].vfs[0].vf',
      value: 70,
      allowed: '0 to 62',
    });
  });

  it('keeps to one short line whatever the value is', () => {
    const name = `line\nbreak ${'x'.repeat(1000)}`;
    const { message } = errorOf(() => resolveScenario(parseScenario({ guests: [{ name }] })));
    expect(message).toBe(
      `scenario: guests[0].name: "line\\nbreak ${'x'.repeat(44)}..." does not fit; allowed a letter, then up to 31 letters, digits, _ or -`,
    );
  });
});

describe('a text that is no JSON', () => {
  it.each([
    ['{ "seed": 1,\n  "nic": { "vfs": 2, }\n}', '2:22: unexpected "}"; allowed a key after a comma'],
    ['{ "seed": 1\n  "nic": {} }', '2:3: unexpected "\\""; allowed "," or "}"'],
    ['{ "guests": [1, ] }', '1:17: unexpected "]"; allowed a value after a comma'],
    ['{ "guests": [1 2] }', '1:16: unexpected "2"; allowed "," or "]"'],
    ['{ seed: 1 }', '1:3: unexpected "seed"; allowed a key in double quotes'],
    ['{ "seed" 1 }', '1:10: unexpected "1"; allowed ":" after the key'],
    ['{ "seed": 01 }', '1:11: unexpected "01"; allowed a value'],
    ['{ "seed": nan }', '1:11: unexpected "nan"; allowed a value'],
    ['{ "seed": 1', '1:12: the text ends here; allowed "," or "}"'],
    ['{\n  // one\n  "seed": 1 }', '2:3: comments are no JSON; allowed a key in double quotes'],
    [
      '{ "name": "open\n" }',
      '1:11: the string that begins here is not well formed; allowed a string closed on its line',
    ],
    ['{ "seed": 1, "seed": 2 }', '1:14: the key "seed" stands here twice; allowed each key once'],
    ['{} {}', '1:4: unexpected "{"; allowed nothing after the end of the document'],
    ['  \n', '1:1: is empty; allowed a JSON object'],
    ['['.repeat(100_000), '1:66: is nested too deeply; allowed 64 levels'],
  ])('%j is refused with line and column', (text, line) => {
    expect(errorOf(() => parseScenarioText(text, 's.json')).message).toBe(`s.json:${line}`);
  });
});
