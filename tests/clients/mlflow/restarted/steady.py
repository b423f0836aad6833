"""A training loop that knows nothing of the server's troubles: it logs 300 steps and tells each fiftieth."""

import mlflow

mlflow.set_experiment("steady")
with mlflow.start_run() as run:
    print("run", run.info.run_id, flush=True)
    for step in range(300):
        mlflow.log_metric("loss", 1 / (step + 1), step=step, timestamp=step + 1)
        if step % 50 == 49:
            mlflow.log_param(f"seen_{step}", step)
            mlflow.log_text(f"at {step}", f"notes/{step}.txt")
            print("step", step, flush=True)
client = mlflow.MlflowClient()
assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")] == list(range(300))
assert len(client.get_run(run.info.run_id).data.params) == 6
assert len(client.list_artifacts(run.info.run_id, "notes")) == 6
print("done", flush=True)
