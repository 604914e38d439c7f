/** The file format of Perfetto: apart from the other sinks, so that only who writes it loads the package for Protocol Buffers. */
export {
  type PerfettoArguments,
  type PerfettoDetails,
  type PerfettoTrackOptions,
  PerfettoWriter,
} from './perfetto-writer.ts';
