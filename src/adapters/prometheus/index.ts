export {
  prometheus,
  prometheusContentType,
  prometheusDefaults,
  type PrometheusMetrics,
  type PrometheusOptions,
} from './prometheus.ts';
