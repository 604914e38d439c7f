import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import { ScenarioError } from '../../src/sim/scenario-error.ts';
import { parseJsonText } from '../../src/sim/scenario-json.ts';
import { parseScenario, parseScenarioText } from '../../src/sim/scenario-parse.ts';
import { resolveScenario } from '../../src/sim/scenario-resolve.ts';

const folder = new URL('../../scenarios/', import.meta.url);
const text = readFileSync(new URL('default.json', folder), 'utf8');
const capture = readFileSync(new URL('captures/namespaces.pcap', folder));

/** Either a scenario comes out, or an error of one line that says where and what is allowed. */
function expectVerdict(action: () => unknown): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    expect(error.message).toMatch(/^scenario(:\d+:\d+)?: .+; allowed .+$/);
    expect(error.message).not.toContain('\n');
  }
}

const readCapture = () => capture;

describe('whatever is passed as a scenario', () => {
  it('is accepted or refused in one line', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expectVerdict(() => resolveScenario(parseScenario(json), { readCapture, pcieParts }));
      }),
    );
  });

  it('is accepted or refused in one line when one value of a good scenario is another', () => {
    const places = [...placesIn(JSON.parse(text))];
    const value = fc.oneof(
      fc.jsonValue(),
      fc.integer(),
      fc.double(),
      fc.constantFrom(
        'host',
        'port',
        'a',
        'a.0',
        'd.1',
        'broadcast',
        '02:00:00:00:01:0a',
        'ff:ff:ff:ff:ff:ff',
        '2M',
      ),
    );
    fc.assert(
      fc.property(fc.constantFrom(...places), value, (path, replacement) => {
        const scenario = JSON.parse(text) as unknown;
        const parent = path
          .slice(0, -1)
          .reduce((at, key) => (at as Record<PropertyKey, unknown>)[key], scenario);
        (parent as Record<PropertyKey, unknown>)[path[path.length - 1]] = replacement;
        expectVerdict(() => resolveScenario(parseScenario(scenario), { readCapture, pcieParts }));
      }),
      { numRuns: 1000 },
    );
  });

  it('is accepted or refused in one line when a character of its text is another', () => {
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.string({ unit: 'binary', maxLength: 2 }), (at, inserted) => {
        expectVerdict(() => parseScenarioText(text.slice(0, at) + inserted + text.slice(at + 1)));
      }),
      { numRuns: 500 },
    );
  });

  it('is never refused for its syntax when it is JSON', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parseJsonText(json, 'scenario')).toEqual(JSON.parse(json));
      }),
    );
  });
});

function* placesIn(value: unknown, path: PropertyKey[] = []): Generator<PropertyKey[]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield [...path, key];
    yield* placesIn(inner, [...path, key]);
  }
}
