-- What people look for among captured predictions: what failed, which is little, and what one version or share answered.

CREATE INDEX prediction_failed ON prediction (endpoint, time_ms, id) WHERE status >= 400;
CREATE INDEX prediction_origin ON prediction (origin, time_ms, id);
