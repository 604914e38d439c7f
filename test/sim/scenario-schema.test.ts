import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pcieParts } from '../../src/sim/pcie-of-scenario.ts';
import { formatJson } from '../../src/sim/report-json.ts';
import { parseScenario, parseScenarioText } from '../../src/sim/scenario-parse.ts';
import { resolveScenario } from '../../src/sim/scenario-resolve.ts';
import { scenarioJsonSchema } from '../../src/sim/scenario-schema.ts';

const root = new URL('../../', import.meta.url);
const folder = new URL('scenarios/', root);

interface JsonSchema {
  description?: string;
  default?: unknown;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
}

describe('the published JSON Schema', () => {
  it('is what the definition gives; `sriovsim schema` prints it', () => {
    const published = readFileSync(new URL('schema/scenario.schema.json', root), 'utf8');
    expect(published).toBe(formatJson(scenarioJsonSchema()));
  });

  it('describes every field', () => {
    const bare: string[] = [];
    const visit = (schema: JsonSchema, path: string) => {
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        const isGroup = property.properties !== undefined || property.anyOf !== undefined;
        if (property.description === undefined && !isGroup) bare.push(`${path}.${key}`);
        visit(property, `${path}.${key}`);
      }
      for (const option of schema.anyOf ?? []) visit(option, path);
      if (schema.items !== undefined) visit(schema.items, `${path}[]`);
    };
    visit(scenarioJsonSchema() as JsonSchema, '');
    expect(bare).toEqual([]);
  });

  it('states the defaults that a scenario gets', () => {
    const withDefaults = (schema: JsonSchema): Record<string, unknown> => {
      const result: Record<string, unknown> = {};
      for (const [key, property] of Object.entries(schema.properties ?? {})) {
        if (property.default !== undefined) result[key] = property.default;
        else if (property.properties !== undefined) result[key] = withDefaults(property);
      }
      return result;
    };
    const { properties } = scenarioJsonSchema() as JsonSchema;
    // Without the key a machine is as its profiles have it.
    const { pcie, ...stated } = withDefaults({ properties });
    const entry = (key: string) => withDefaults(properties?.[key].items ?? {});
    const rest = { from: 'guest1', to: 'host', ratePps: 1 };
    const resolve = (scenario: object) => resolveScenario(parseScenario(scenario), { pcieParts }).scenario;
    expect(
      resolve({ ...stated, guests: [entry('guests')], traffic: [{ ...entry('traffic'), ...rest }] }),
    ).toEqual(resolve({ guests: [{}], traffic: [rest] }));
    expect(resolve({ pcie: pcie as object })).toEqual(resolve({ pcie: { switch: {} } }));
  });
});

describe('the scenarios of the package', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'));

  it.each(names)('%s is a scenario and names its schema', (name) => {
    const scenario = parseScenarioText(readFileSync(new URL(name, folder), 'utf8'), name);
    expect(scenario.$schema).toBe('../schema/scenario.schema.json');
    expect(scenario.description).toBeTruthy();
    resolveScenario(scenario, {
      source: name,
      pcieParts,
      readCapture: (file) => readFileSync(new URL(file, folder)),
    });
  });
});
