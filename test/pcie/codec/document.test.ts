import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TLP_CHECKS, TLP_TYPES } from '../../../src/pcie/index.ts';

const text = readFileSync(new URL('../../../docs/pcie.md', import.meta.url), 'utf8');

describe('docs/pcie.md', () => {
  it('lists every check of a receiver, with section and rule', () => {
    const rows = Object.entries(TLP_CHECKS).map(
      ([check, { section, rule, optional }]) =>
        `| \`${check}\` | ${section} | ${rule} | ${optional ? 'yes' : 'no'} |`,
    );
    expect(text).toContain(rows.join('\n'));
  });

  it('names every type of TLP', () => {
    for (const kind of Object.keys(TLP_TYPES)) expect(text).toContain(`\`${kind}\``);
  });
});
