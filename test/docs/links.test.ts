import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveScenario, Simulation } from '../../src/sim/index.ts';
import { ROOT, readSources } from '../tidy/project.ts';
import { codeSpans, prose, readDocs, relativeLinks, resolves } from './markdown.ts';
import { citations, isDeclared } from './names.ts';

const docs = readDocs();
const sources = readSources();

/** Names of a report's counters, and of their groups. */
function counterNames(): Set<string> {
  const { scenario } = resolveScenario({
    nic: { profile: 'generic', port: { pfc: [3] } },
    guests: [{ name: 'a', vfs: [{ class: 1 }] }],
    traffic: [{ from: 'a', to: 'port', ratePps: 1e6 }],
    durationMs: 0.004,
    warmUpMs: 0,
  });
  const simulation = new Simulation(scenario);
  simulation.boot();
  simulation.advance(simulation.endPs);
  return new Set(Object.keys(simulation.report().counters));
}

describe.each(docs)('$path', ({ path, text }) => {
  it('links to what exists', () => {
    expect(relativeLinks(text).filter((target) => !resolves(path, target))).toEqual([]);
  });

  it('names files and folders of src that exist', () => {
    const named = [...prose(text).matchAll(/\bsrc\/[\w./-]*\w/g)].map(([name]) => name);
    expect(named.filter((name) => !existsSync(join(ROOT, name)))).toEqual([]);
  });

  it('cites code by names that exist, where it says they are', () => {
    const unknown = citations(prose(text)).filter((citation) => !isDeclared(citation, sources));
    expect(unknown.map(({ name, file }) => (file === null ? name : `${name} in ${file}`))).toEqual([]);
  });
});

describe('counters that documents name', () => {
  it('are in a report', () => {
    const known = counterNames();
    const component = /^(pcie|rootPort|rootComplex|iommu|interrupts|nic)\.[\w.]+$/;
    const named = docs
      .flatMap(({ text }) => codeSpans(text))
      .filter(
        (span) =>
          component.test(span) &&
          !/^nic\.(vfs|mtu|linkGbps|loopback|port|portExtender|mirrors)$/.test(span) &&
          !/^pcie\.(generation|lanes|switch)$/.test(span),
      );
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });
});

describe('the rules', () => {
  const source = {
    path: 'src/a/b.ts',
    text: 'export class Box {\n  readonly size = 1;\n  private grow(by: number) {}\n}\n',
  };

  it('catch a link that leads nowhere', () => {
    expect(resolves('docs/x.md', '../src/base/index.ts')).toBe(true);
    expect(resolves('docs/x.md', '../src/base/nothing.ts')).toBe(false);
    expect(resolves('docs/glossary.md', 'architecture.md#the-balance')).toBe(true);
    expect(resolves('docs/glossary.md', 'architecture.md#nothing')).toBe(false);
  });

  it.each([
    ['`Box.size`', true],
    ['[b.ts](../src/a/b.ts): `Box.grow`', true],
    ['`Box` ([b.ts](../src/a/b.ts))', true],
    ['`Box.shrink`', false],
    ['`Crate`', false],
    ['[c.ts](../src/a/c.ts): `Box.size`', false],
  ])('find that %s is %s', (text, right) => {
    expect(citations(text).length).toBeGreaterThan(0);
    expect(citations(text).every((citation) => isDeclared(citation, [source]))).toBe(right);
  });
});
