import { describe, expect, it } from 'vitest';
import { scenarioJsonSchema } from '../../src/sim/scenario.ts';
import { generatedPart, HOW_TO_UPDATE } from './markdown.ts';
import { keysTable, type Schema } from './scenario-reference.ts';

const scenario = scenarioJsonSchema() as Schema;
const part = (key: string): Schema => scenario.properties?.[key] as Schema;
const items = (schema: Schema): Schema => schema.items as Schema;
const guest = items(part('guests'));
const vfLists = guest.properties?.['vfs'].anyOf as Schema[];

/** Headings of docs/scenario.md and what they describe. */
const PARTS: readonly (readonly [string, Schema])[] = [
  ['scenario', scenario],
  ['host', part('host')],
  ['nic', part('nic')],
  ['port', part('nic').properties?.['port'] as Schema],
  ['mirrors', items(part('nic').properties?.['mirrors'] as Schema)],
  ['pcie', part('pcie')],
  ['switch', part('pcie').properties?.['switch'] as Schema],
  ['rootCredits', part('pcie').properties?.['rootCredits'] as Schema],
  ['guests', guest],
  ['vfs', items(vfLists[1])],
  ['hostInterface', part('hostInterface')],
  ['traffic', items(part('traffic'))],
  ['captures', items(part('captures'))],
  ['faults', items(part('faults'))],
];

describe('docs/scenario.md', () => {
  it.each(PARTS)('has every key of %s, as the schema has it', (name, schema) => {
    const wanted = keysTable(schema);
    expect(generatedPart('docs/scenario.md', name, wanted), HOW_TO_UPDATE).toBe(wanted);
  });
});
