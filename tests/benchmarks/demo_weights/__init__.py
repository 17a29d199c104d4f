"""What the bundled demo weights can do, engine by engine, on material that none of them was trained on.

The material is the recipes': sentences of their grammar in voices by eSpeak NG (`data.recipes.whisper_corpus`, seeds
there), music by `data.recipes.music`, and 51 readers of LibriSpeech, where their recordings are at hand
(DAYLONG_TEST_DATA names their folder). Engines are loaded and asked as the flow does it.
"""
