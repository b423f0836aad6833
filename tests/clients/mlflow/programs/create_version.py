"""The client's own words: create_experiment, create_run, log_*, create_model_version, aliases."""

from mlflow import MlflowClient

client = MlflowClient()
experiment_id = client.create_experiment("Social NLP Experiments", tags={"version": "v1", "priority": "P1"})
experiment = client.get_experiment(experiment_id)
print(f"Name: {experiment.name}", f"Lifecycle_stage: {experiment.lifecycle_stage}")

run = client.create_run(experiment_id)
client.log_param(run.info.run_id, "p", 1)
for step in range(3):
    client.log_metric(run.info.run_id, "m", step / 2, step=step)
client.set_tag(run.info.run_id, "engineering", "ML Platform")
client.log_text(run.info.run_id, "text", "file.txt")

name = "SocialMediaTextAnalyzer"
client.create_registered_model(name, {"nlp.framework": "Spark NLP"}, "This sentiment analysis model classifies tone.")
model_uri = f"{run.info.artifact_uri}/sklearn-model"
mv = client.create_model_version(name, model_uri, run.info.run_id, description="A testing version of the model")
client.set_model_version_tag(name, mv.version, "validation", "pending")
client.set_registered_model_alias(name, "champion", mv.version)
print(client.get_model_version_by_alias(name, "champion"))
mv = client.transition_model_version_stage(name, mv.version, "Staging")
assert mv.current_stage == "Staging"

client.set_terminated(run.info.run_id)
runs = client.search_runs(experiment_ids=[experiment_id], filter_string="metrics.m >= 1", order_by=["metrics.m DESC"])
assert [one.info.run_id for one in runs] == [run.info.run_id]
assert [point.value for point in client.get_metric_history(run.info.run_id, "m")] == [0.0, 0.5, 1.0]
for rm in client.search_registered_models(filter_string="name LIKE 'Social%'"):
    for mv in rm.latest_versions:
        print(mv.name, mv.version, mv.current_stage)
