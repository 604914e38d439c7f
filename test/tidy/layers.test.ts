import { describe, expect, it } from 'vitest';
import { checkCircles, checkDirection, checkPackages, importsOf } from './layers.ts';
import { readSources, report } from './project.ts';

const sources = readSources();

describe('the direction of imports', () => {
  it('is downwards in every file of src', () => {
    expect(report(checkDirection(sources))).toEqual([]);
  });

  it.each([
    ['src/base/a.ts', '../kernel/index.ts', 'src/base may not import src/kernel, which is above it'],
    ['src/dma/a.ts', '../iommu/index.ts', 'src/dma and src/iommu may not import each other'],
    ['src/nic/deep/a.ts', '../../host/index.ts', 'src/nic and src/host may not import each other'],
    ['src/nic/a.ts', '../trace/index.ts', 'nothing that is modelled imports src/trace'],
    ['src/sim/a.ts', '../index.ts', 'src/sim may not import src/index.ts, which is above it'],
    ['src/sim/a.ts', '../novel/index.ts', 'src/novel has no place in the order of folders'],
    ['src/sim/a.ts', '../../test/a.ts', 'src may not import test/a.ts'],
  ])('%s may not import %s', (path, specifier, rule) => {
    const text = `// first line\nimport type { X } from '${specifier}';\n`;
    expect(report(checkDirection([{ path, text }]))).toEqual([`${path}:2: ${rule}`]);
  });

  it('knows every folder', () => {
    expect(report(checkDirection([{ path: 'src/novel/a.ts', text: '' }]))).toEqual([
      'src/novel/a.ts:1: src/novel has no place in the order of folders',
    ]);
  });

  it('lets a folder import from its own and from below', () => {
    const text = "import './b.ts';\nimport '../base/index.ts';\nimport '../trace/index.ts';\n";
    expect(checkDirection([{ path: 'src/sim/a.ts', text }])).toEqual([]);
  });
});

describe('what src imports from outside', () => {
  it('is on the list of runtime dependencies, and no module of Node where a browser must follow', () => {
    expect(report(checkPackages(sources))).toEqual([]);
  });

  it('lets the command alone have an optional package', () => {
    const files = ['src/cli/a.ts', 'src/sim/a.ts'].map((path) => ({
      path,
      text: "await import('echarts');\n",
    }));
    expect(report(checkPackages(files))).toEqual([
      "src/sim/a.ts:1: 'echarts' is not among the runtime dependencies",
    ]);
  });

  it('catches a module of Node and a package that is not on the list', () => {
    const text = "import 'node:fs';\nimport 'seedrandom/lib/xor128.js';\nimport '@scope/name/sub';\n";
    expect(report(checkPackages([{ path: 'src/sim/a.ts', text }]))).toEqual([
      "src/sim/a.ts:1: 'node:fs' does not exist in a browser",
      "src/sim/a.ts:3: '@scope/name/sub' is not among the runtime dependencies",
    ]);
  });

  it('may be a module of Node in src/cli', () => {
    expect(checkPackages([{ path: 'src/cli/a.ts', text: "import 'node:fs';" }])).toEqual([]);
  });
});

describe('circles of imports', () => {
  it('are nowhere in src', () => {
    expect(report(checkCircles(sources))).toEqual([]);
  });

  it('are found over several files, type imports included', () => {
    const files = [
      { path: 'src/base/a.ts', text: "import './b.ts';" },
      { path: 'src/base/b.ts', text: "\nexport { c } from './c.ts';" },
      { path: 'src/base/c.ts', text: "\n\nimport type { A } from './a.ts';" },
      { path: 'src/base/d.ts', text: "import './a.ts';" },
    ];
    expect(report(checkCircles(files))).toEqual([
      'src/base/c.ts:3: closes a circle of imports: src/base/a.ts -> src/base/b.ts -> src/base/c.ts -> src/base/a.ts',
    ]);
  });

  it('are not seen in a diamond', () => {
    const files = [
      { path: 'src/base/a.ts', text: "import './b.ts';\nimport './c.ts';" },
      { path: 'src/base/b.ts', text: "import './d.ts';" },
      { path: 'src/base/c.ts', text: "import './d.ts';" },
      { path: 'src/base/d.ts', text: '' },
    ];
    expect(checkCircles(files)).toEqual([]);
  });
});

describe('importsOf', () => {
  it('sees every way to name a module, and no text in a string or comment', () => {
    const text = [
      "import a from 'a';",
      "export { b } from 'b';",
      "const c = await import('c');",
      "type D = import('d').D;",
      `const text = "import 'e'"; // import 'f'`,
    ].join('\n');
    expect(importsOf({ path: 'src/base/a.ts', text })).toEqual([
      { specifier: 'a', line: 1 },
      { specifier: 'b', line: 2 },
      { specifier: 'c', line: 3 },
      { specifier: 'd', line: 4 },
    ]);
  });
});
