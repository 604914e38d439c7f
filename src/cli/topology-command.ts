import { formatIommuGroups, iommuGroups, lspciDump, lspciTree, parseLspciDump } from '../pcie/index.ts';
import { parseJsonText } from '../sim/scenario-json.ts';
import { parseTopology } from '../sim/topology-file.ts';
import { buildTopology } from '../sim/topology-machine.ts';
import { type Command, EXIT } from './command.ts';
import { readText } from './read-file.ts';

/** `sriovsim topology` */
export const topologyCommand: Command = {
  usage: 'FILE.json [--dump]',
  summary:
    'Prints the tree of a PCI Express hierarchy of cards and switches, and its IOMMU groups with their reasons.',
  options: {
    dump: {
      about: 'Prints the configuration space of every function instead, as text that `lspci -F FILE` reads.',
    },
  },
  parameters: ['FILE.json'],
  async run({ files, flags, parameters: [file] }, io) {
    const json = parseJsonText(readText(files, 'FILE.json', file, 'a topology'), file);
    const { hierarchy, tree } = buildTopology(parseTopology(json, file), file);
    const functions = hierarchy.functions();
    if (flags.has('dump')) {
      for (const fn of functions) await io.stdout(lspciDump([fn], 'os'));
      return EXIT.done;
    }
    const dumped = functions.flatMap((fn) => parseLspciDump(lspciDump([fn], 'os')));
    await io.stdout(`${lspciTree(dumped, { titles: true })}\n`);
    for (const problem of tree.problems) await io.stdout(`${problem}\n`);
    await io.stdout(`${formatIommuGroups(iommuGroups(hierarchy, tree))}\n`);
    return EXIT.done;
  },
};
