/**
 * Scenario files: their form, checked with zod, and their JSON Schema. An entry of its own, because zod takes longer to
 * load than the whole simulator; what an object needs to become a machine is in index.ts, without it.
 */
export { pcieParts } from './pcie-of-scenario.ts';
export { checkForm, parseScenario, parseScenarioText } from './scenario-parse.ts';
export { cardSwitchSchema, pcieSchema, rootCreditsSchema } from './scenario-pcie-schema.ts';
export { restateScenario } from './scenario-restate.ts';
export {
  captureSchema,
  frameBytesSchema,
  guestSchema,
  hostInterfaceSchema,
  hostSchema,
  nicSchema,
  portSchema,
  scenarioJsonSchema,
  scenarioSchema,
  stormLimitsSchema,
  trafficSchema,
  vfSchema,
} from './scenario-schema.ts';
export { parseTopology, type Topology, type TopologyPort, topologySchema } from './topology-file.ts';
export { type BuiltTopology, buildTopology } from './topology-machine.ts';
