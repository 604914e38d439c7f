import { describe, expect, it } from 'vitest';
import { Endpoint, type PcieFunction } from '../../src/pcie/index.ts';
import { CARD_CONFIGS } from '../../src/profiles/index.ts';
import { generatedPart, HOW_TO_UPDATE } from './markdown.ts';

const PATH = 'docs/configuration-space.md';

/** Function 0 of every card, with one VF. */
const cards = CARD_CONFIGS.map((card) => {
  const { functions } = new Endpoint({ functions: card.functions(card.ports[0], false), bus: 1 });
  const [pf] = functions;
  const at = pf.findExtendedCapability(0x10);
  pf.config.write16(at + 0x10, 1);
  pf.config.write16(at + 0x08, 0x11);
  return { card, pf, vf: pf.sriov!.vf(0), at };
});

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')).replaceAll(' ', '') + rows.map(line).join('');
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0');
}

/** Where a function has a capability, as `40h`. */
function offsetOf(fn: PcieFunction, name: string): string {
  const placed = fn.config.layout.capabilities.find(({ capability }) => capability.name === name);
  return placed === undefined ? '' : `${placed.offset.toString(16)}h`;
}

describe(PATH, () => {
  it('has every card with its VFs', () => {
    const rows = cards.map(({ card, pf, at }) => {
      const routing = (ari: boolean) => {
        pf.config.write16(at + 0x08, 0);
        pf.config.write16(at + 0x08, ari ? 0x10 : 0);
        return `${pf.config.read16(at + 0x14)}, ${pf.config.read16(at + 0x16)}`;
      };
      return [
        `\`${card.name}\``,
        `${hex(pf.config.read16(0))}:${hex(pf.config.read16(2))}`,
        hex(pf.config.read16(at + 0x1a)),
        card.ports.join(', '),
        `${pf.sriov!.totalVfs}`,
        routing(true),
        routing(false),
        card.hasDataPath ? 'yes' : 'no',
      ];
    });
    const head = [
      'card',
      'PF',
      'VF',
      'ports',
      'TotalVFs',
      'First VF Offset, VF Stride with ARI',
      'without ARI',
      'data path',
    ];
    const wanted = table(head, rows);
    expect(generatedPart(PATH, 'cards', wanted), HOW_TO_UPDATE).toBe(wanted);
  });

  it('has every capability of every card', () => {
    const names = new Set<string>();
    for (const { pf } of cards)
      for (const { capability } of pf.config.layout.capabilities) names.add(capability.name);
    const rows = [...names].map((name) => [
      name,
      ...cards.map(({ pf, vf }) => {
        const [ofPf, ofVf] = [offsetOf(pf, name), offsetOf(vf, name)];
        return ofVf === '' ? ofPf : `${ofPf} / ${ofVf}`;
      }),
    ]);
    const wanted = table(['', ...cards.map(({ card }) => card.name)], rows);
    expect(generatedPart(PATH, 'capabilities', wanted), HOW_TO_UPDATE).toBe(wanted);
  });
});
