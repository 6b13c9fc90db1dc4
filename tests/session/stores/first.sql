BEGIN TRANSACTION;
CREATE TABLE answers (
	id INTEGER NOT NULL, 
	project_id INTEGER NOT NULL, 
	example INTEGER NOT NULL, 
	annotator VARCHAR(64) NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	label INTEGER, 
	second BOOLEAN NOT NULL, 
	undone BOOLEAN NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "answers" VALUES(1,1,4,'Ada','skip',NULL,0,0,'2026-11-25 01:05:45');
INSERT INTO "answers" VALUES(2,1,16,'Ada','label',0,0,0,'2026-11-25 01:05:45');
INSERT INTO "answers" VALUES(3,1,28,'Ada','label',0,0,0,'2026-11-25 01:05:45');
INSERT INTO "answers" VALUES(4,1,14,'Ada','label',0,0,0,'2026-11-25 01:05:45');
INSERT INTO "answers" VALUES(5,1,15,'Ada','label',1,0,0,'2026-11-25 01:05:45');
INSERT INTO "answers" VALUES(6,1,19,'Ada','label',1,0,1,'2026-11-25 01:05:45');
INSERT INTO "answers" VALUES(7,1,19,'Ben','label',0,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(8,1,16,'Ben','label',1,1,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(9,1,0,'Ada','skip',NULL,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(10,1,21,'Ada','label',0,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(11,1,27,'Ada','label',0,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(12,1,11,'Ada','label',2,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(13,1,8,'Ada','label',2,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(14,1,24,'Ada','label',0,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(15,1,5,'Ada','label',2,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(16,1,37,'Ada','label',1,0,1,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(17,1,37,'Ben','label',0,0,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(18,1,21,'Ben','label',1,1,0,'2026-11-25 01:05:46');
INSERT INTO "answers" VALUES(19,1,33,'Ada','label',2,0,0,'2026-11-25 01:05:46');
CREATE TABLE control_guesses (
	project_id INTEGER NOT NULL, 
	example INTEGER NOT NULL, 
	labeled INTEGER NOT NULL, 
	guess INTEGER NOT NULL, 
	PRIMARY KEY (project_id, example), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "control_guesses" VALUES(1,0,5,0);
INSERT INTO "control_guesses" VALUES(1,21,5,0);
INSERT INTO "control_guesses" VALUES(1,27,5,0);
INSERT INTO "control_guesses" VALUES(1,33,12,0);
INSERT INTO "control_guesses" VALUES(1,10,12,0);
CREATE TABLE events (
	session_id INTEGER NOT NULL, 
	sequence INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	payload JSON NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (session_id, sequence), 
	UNIQUE (session_id, sequence), 
	FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
INSERT INTO "events" VALUES(1,0,'asked','{"indices": [4, 16, 28, 14, 15, 19], "strategy": "random", "seconds": {"selection": 0.0002720440006669378}}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,1,'skipped','{"indices": [4]}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,2,'told','{"indices": [16], "labels": [0]}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,3,'told','{"indices": [28], "labels": [0]}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,4,'told','{"indices": [14], "labels": [0]}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,5,'told','{"indices": [15], "labels": [1]}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,6,'told','{"indices": [19], "labels": [1]}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,7,'undone','{"index": 19}','2026-11-25 01:05:45');
INSERT INTO "events" VALUES(1,8,'told','{"indices": [19], "labels": [0]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,9,'asked','{"indices": [0, 21, 27], "strategy": "random", "seconds": {"selection": 0.00024137799846357666}}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,10,'asked','{"indices": [11, 8, 24, 5, 37], "strategy": "margin", "seconds": {"selection": 0.003171092999764369}}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,11,'skipped','{"indices": [0]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,12,'told','{"indices": [21], "labels": [0]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,13,'told','{"indices": [27], "labels": [0]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,14,'told','{"indices": [11], "labels": [2]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,15,'told','{"indices": [8], "labels": [2]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,16,'told','{"indices": [24], "labels": [0]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,17,'told','{"indices": [5], "labels": [2]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,18,'told','{"indices": [37], "labels": [1]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,19,'undone','{"index": 37}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,20,'told','{"indices": [37], "labels": [0]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,21,'asked','{"indices": [33, 10], "strategy": "random", "seconds": {"selection": 0.0002468659986334387}}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,22,'asked','{"indices": [32, 1, 17], "strategy": "margin", "seconds": {"selection": 0.000287957998807542}}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(1,23,'told','{"indices": [33], "labels": [2]}','2026-11-25 01:05:46');
INSERT INTO "events" VALUES(2,0,'asked','{"indices": [89, 220, 108, 675, 585, 259, 598, 1215, 772, 1250], "strategy": "random", "seconds": {"selection": 0.00037470499955816194}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(2,1,'told','{"indices": [89, 220, 108, 675, 585, 259, 598, 1215, 772, 1250], "labels": [6, 8, 1, 9, 3, 2, 6, 3, 1, 4]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(2,2,'asked','{"indices": [515, 722, 662, 148, 457], "strategy": "random", "seconds": {"selection": 0.000244373000896303}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(2,3,'told','{"indices": [515, 722, 662, 148, 457], "labels": [2, 5, 6, 9, 8]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(2,4,'asked','{"indices": [303, 869, 718, 607, 763], "strategy": "random", "seconds": {"selection": 0.00021210399972915184}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(2,5,'told','{"indices": [303, 869, 718, 607, 763], "labels": [9, 7, 9, 0, 4]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(3,0,'asked','{"indices": [89, 220, 108, 675, 585, 259, 598, 1215, 772, 1250], "strategy": "random", "seconds": {"selection": 0.000212535000173375}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(3,1,'told','{"indices": [89, 220, 108, 675, 585, 259, 598, 1215, 772, 1250], "labels": [6, 8, 1, 9, 3, 2, 6, 3, 1, 4]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(3,2,'asked','{"indices": [677, 1158, 23, 729, 846], "strategy": "grad", "seconds": {"training": 0.003238412999053253, "outputs": 0.0014927739994163858, "selection": 0.0017756639990693657}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(3,3,'told','{"indices": [677, 1158, 23, 729, 846], "labels": [3, 2, 3, 3, 3]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(3,4,'asked','{"indices": [596, 1003, 21, 191, 705], "strategy": "grad", "seconds": {"training": 0.003147567998894374, "outputs": 0.005011232000470045, "selection": 0.0010540339990257053}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(3,5,'told','{"indices": [596, 1003, 21, 191, 705], "labels": [7, 7, 3, 8, 3]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(4,0,'asked','{"indices": [937, 641, 1182, 761, 750, 1142, 505, 1126, 143, 40], "strategy": "random", "seconds": {"selection": 0.00019298599909234326}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(4,1,'told','{"indices": [937, 641, 1182, 761, 750, 1142, 505, 1126, 143, 40], "labels": [7, 4, 0, 1, 2, 4, 7, 6, 7, 9]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(4,2,'asked','{"indices": [612, 1144, 1228, 450, 1033], "strategy": "random", "seconds": {"selection": 0.00027475800015963614}}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(4,3,'told','{"indices": [612, 1144, 1228, 450, 1033], "labels": [4, 5, 0, 5, 4]}','2026-11-25 01:05:54');
INSERT INTO "events" VALUES(4,4,'asked','{"indices": [592, 549, 676, 1189, 123], "strategy": "random", "seconds": {"selection": 0.00018316100067750085}}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(4,5,'told','{"indices": [592, 549, 676, 1189, 123], "labels": [2, 1, 0, 6, 6]}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(5,0,'asked','{"indices": [937, 641, 1182, 761, 750, 1142, 505, 1126, 143, 40], "strategy": "random", "seconds": {"selection": 0.0001950390014826553}}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(5,1,'told','{"indices": [937, 641, 1182, 761, 750, 1142, 505, 1126, 143, 40], "labels": [7, 4, 0, 1, 2, 4, 7, 6, 7, 9]}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(5,2,'asked','{"indices": [1255, 495, 1164, 1007, 1250], "strategy": "grad", "seconds": {"training": 0.009845963000771008, "outputs": 0.0007236330002342584, "selection": 0.0024612699999124743}}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(5,3,'told','{"indices": [1255, 495, 1164, 1007, 1250], "labels": [1, 1, 4, 1, 4]}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(5,4,'asked','{"indices": [31, 1003, 922, 330, 942], "strategy": "grad", "seconds": {"training": 0.008573675999286934, "outputs": 0.0007101730006979778, "selection": 0.009471807999943849}}','2026-11-25 01:05:55');
INSERT INTO "events" VALUES(5,5,'told','{"indices": [31, 1003, 922, 330, 942], "labels": [7, 7, 2, 1, 1]}','2026-11-25 01:05:55');
CREATE TABLE experiments (
	id INTEGER NOT NULL, 
	identity VARCHAR(64) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	protocol JSON NOT NULL, 
	environment JSON NOT NULL, 
	data JSON NOT NULL, 
	learning_rate FLOAT, 
	sweep JSON, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (identity)
);
INSERT INTO "experiments" VALUES(1,'14ec1e29eb7564bbc7c0d9a590c8af344443b773686cab1c237e2da6c399d172','first','{"name": "first", "data": {"name": "digits", "path": null, "target": null, "pool_size": null, "validation": 0.1, "test": 0.2, "image_size": null, "split_seed": 0}, "model": {"name": "mlp", "hidden": [8]}, "schedule": {"initial": 10, "batch": 5, "rounds": 2}, "training": {"epochs": 3, "batch_size": 8, "momentum": 0.9}, "learning_rates": [0.01, 0.02], "protocol_version": 1}','{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}','{"name": "digits", "modality": "image", "pool": 1294, "validation": 144, "test": 359, "classes": 10, "class_names": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "class_counts": {"pool": [128, 131, 128, 131, 130, 131, 131, 129, 125, 130], "validation": [14, 15, 14, 15, 15, 15, 14, 14, 14, 14], "test": [36, 36, 35, 37, 36, 36, 36, 36, 35, 36]}, "example_shape": [1, 8, 8], "fingerprint": "b1ba3fd9a01a7395c414bc29795d5f7abb9547433882af680c07ddca79a6107d"}',0.02,'{"0.01": 0.09027777777777778, "0.02": 0.2847222222222222}','2026-11-25 01:05:48');
CREATE TABLE ladle_schema (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "ladle_schema" VALUES(1);
CREATE TABLE project_keys (
	project_id INTEGER NOT NULL, 
	"key" VARCHAR(32) NOT NULL, 
	PRIMARY KEY (project_id), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "project_keys" VALUES(1,'e881cd8c61ad416dabd6d9fd89da28e4');
CREATE TABLE projects (
	id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	classes JSON NOT NULL, 
	control FLOAT NOT NULL, 
	strategy VARCHAR(255) NOT NULL, 
	model VARCHAR(255) NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "projects" VALUES(1,'pens','["blue", "red", "green"]',0.4,'margin','mlp','2026-11-25 01:05:45');
CREATE TABLE receipts (
	project_id INTEGER NOT NULL, 
	example INTEGER NOT NULL, 
	payload JSON NOT NULL, 
	PRIMARY KEY (project_id, example), 
	FOREIGN KEY(project_id) REFERENCES projects (id) ON DELETE CASCADE
);
INSERT INTO "receipts" VALUES(1,0,'{"discrepancy": 0.6323903203010559, "rank": 33, "of": 34, "size": 0.619358552939664, "angle": 0.380641447060336, "degrees": 25.46103868821825, "length": 1.4020915031433105, "mean_length": 0.804867148399353, "apart": 0.027976455118293345, "likeliest": [[0, 0.5598689317703247], [1, 0.2520611882209778], [2, 0.1880698949098587]], "nearest": [[16, 0], [14, 0], [19, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,21,'{"discrepancy": 0.7277209162712097, "rank": 9, "of": 34, "size": 0.5017225051799222, "angle": 0.49827749482007777, "degrees": 33.47099369906624, "length": 1.4234216213226318, "mean_length": 0.804867148399353, "apart": 9.139596264808448, "likeliest": [[0, 0.5293059349060059], [1, 0.27596527338027954], [2, 0.1947287917137146]], "nearest": [[15, 1], [28, 0], [14, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,27,'{"discrepancy": 0.7117009162902832, "rank": 14, "of": 34, "size": 0.43342939010338416, "angle": 0.5665706098966159, "degrees": 35.68654841166817, "length": 1.3671281337738037, "mean_length": 0.804867148399353, "apart": 17.067320076111436, "likeliest": [[0, 0.4910987913608551], [1, 0.29015836119651794], [2, 0.2187427282333374]], "nearest": [[15, 1], [28, 0], [16, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,11,'{"discrepancy": 0.7117009162902832, "rank": 13, "of": 34, "size": 0.43342939010338416, "angle": 0.5665706098966159, "degrees": 35.68654841166817, "length": 1.3671281337738037, "mean_length": 0.804867148399353, "apart": 17.067320076111436, "likeliest": [[0, 0.4910987913608551], [1, 0.29015836119651794], [2, 0.2187427282333374]], "nearest": [[15, 1], [28, 0], [16, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,8,'{"discrepancy": 0.7159646153450012, "rank": 11, "of": 34, "size": 0.47072906127207464, "angle": 0.5292709387279253, "degrees": 34.31626407148959, "length": 1.3943326473236084, "mean_length": 0.804867148399353, "apart": 12.947383153225644, "likeliest": [[0, 0.5102046132087708], [1, 0.2831416130065918], [2, 0.20665383338928223]], "nearest": [[15, 1], [28, 0], [16, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,24,'{"discrepancy": 0.7159646153450012, "rank": 12, "of": 34, "size": 0.47072906127207464, "angle": 0.5292709387279253, "degrees": 34.31626407148959, "length": 1.3943326473236084, "mean_length": 0.804867148399353, "apart": 12.947383153225644, "likeliest": [[0, 0.5102046132087708], [1, 0.2831416130065918], [2, 0.20665383338928223]], "nearest": [[15, 1], [28, 0], [16, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,5,'{"discrepancy": 0.7277209162712097, "rank": 8, "of": 34, "size": 0.5017225051799222, "angle": 0.49827749482007777, "degrees": 33.47099369906624, "length": 1.4234216213226318, "mean_length": 0.804867148399353, "apart": 9.139596264808448, "likeliest": [[0, 0.5293059349060059], [1, 0.27596527338027954], [2, 0.1947287917137146]], "nearest": [[15, 1], [28, 0], [14, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,37,'{"discrepancy": 0.7277209162712097, "rank": 10, "of": 34, "size": 0.5017225051799222, "angle": 0.49827749482007777, "degrees": 33.47099369906624, "length": 1.4234216213226318, "mean_length": 0.804867148399353, "apart": 9.139596264808448, "likeliest": [[0, 0.5293059349060059], [1, 0.27596527338027954], [2, 0.1947287917137146]], "nearest": [[15, 1], [28, 0], [14, 0]], "passed_over": 2}');
INSERT INTO "receipts" VALUES(1,33,'{"discrepancy": 1.125761866569519, "rank": 14, "of": 26, "size": 0.4666566944217936, "angle": 0.5333433055782064, "degrees": 136.6651436535064, "length": 1.0514956712722778, "mean_length": 0.2183760106563568, "apart": 2.420992291407232, "likeliest": [[0, 0.707496166229248], [2, 0.18758268654346466], [1, 0.1049211248755455]], "nearest": [[14, 0], [21, 0], [5, 2]], "passed_over": 13}');
INSERT INTO "receipts" VALUES(1,10,'{"discrepancy": 1.1168688535690308, "rank": 20, "of": 26, "size": 0.47106886076019616, "angle": 0.5289311392398038, "degrees": 133.66342359569225, "length": 1.0488125085830688, "mean_length": 0.2183760106563568, "apart": 5.745660609402865, "likeliest": [[0, 0.7299292087554932], [2, 0.17357012629508972], [1, 0.09650063514709473]], "nearest": [[16, 0], [14, 0], [21, 0]], "passed_over": 13}');
INSERT INTO "receipts" VALUES(1,32,'{"discrepancy": 1.1333935260772705, "rank": 11, "of": 26, "size": 0.4791925324429861, "angle": 0.5208074675570139, "degrees": 133.05919864230432, "length": 1.068334698677063, "mean_length": 0.2183760106563568, "apart": 0.03956468264845247, "likeliest": [[0, 0.6952582597732544], [2, 0.19193527102470398], [1, 0.11280646920204163]], "nearest": [[16, 0], [14, 0], [8, 2]], "passed_over": 13}');
INSERT INTO "receipts" VALUES(1,1,'{"discrepancy": 1.125761866569519, "rank": 12, "of": 26, "size": 0.4666566944217936, "angle": 0.5333433055782064, "degrees": 136.6651436535064, "length": 1.0514956712722778, "mean_length": 0.2183760106563568, "apart": 2.420992291407232, "likeliest": [[0, 0.707496166229248], [2, 0.18758268654346466], [1, 0.1049211248755455]], "nearest": [[14, 0], [21, 0], [5, 2]], "passed_over": 13}');
INSERT INTO "receipts" VALUES(1,17,'{"discrepancy": 1.125761866569519, "rank": 13, "of": 26, "size": 0.4666566944217936, "angle": 0.5333433055782064, "degrees": 136.6651436535064, "length": 1.0514956712722778, "mean_length": 0.2183760106563568, "apart": 2.420992291407232, "likeliest": [[0, 0.707496166229248], [2, 0.18758268654346466], [1, 0.1049211248755455]], "nearest": [[14, 0], [21, 0], [5, 2]], "passed_over": 13}');
CREATE TABLE rounds (
	run_id INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	labeled INTEGER NOT NULL, 
	test_accuracy FLOAT NOT NULL, 
	training_seconds FLOAT NOT NULL, 
	outputs_seconds FLOAT, 
	selection_seconds FLOAT, 
	finished_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (run_id, round), 
	FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
);
INSERT INTO "rounds" VALUES(1,0,10,1.08635097493036208993e-01,3.28993999937665648758e-03,NULL,0.000244373000896303,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(1,1,15,1.03064066852367686166e-01,8.09056000070995651185e-03,NULL,2.12103999729151837527e-04,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(1,2,20,1.25348189415041777472e-01,1.26906219993543345481e-02,NULL,NULL,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(2,0,10,1.08635097493036208993e-01,3.2384129990532528609e-03,1.49277399941638577729e-03,1.77566399906936567276e-03,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(2,1,15,1.00278551532033424753e-01,3.14756799889437388628e-03,5.01123200047004502266e-03,1.05403399902570527046e-03,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(2,2,20,1.03064066852367686166e-01,3.43694699949992354959e-03,NULL,NULL,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(3,0,10,0.116991643454039,6.51715599997260142117e-03,NULL,2.74758000159636139869e-04,'2026-11-25 01:05:54');
INSERT INTO "rounds" VALUES(3,1,15,1.50417827298050144069e-01,2.90937500176369212567e-03,NULL,1.83161000677500851452e-04,'2026-11-25 01:05:55');
INSERT INTO "rounds" VALUES(3,2,20,1.61559888579387189722e-01,7.08217300052638165652e-03,NULL,NULL,'2026-11-25 01:05:55');
INSERT INTO "rounds" VALUES(4,0,10,0.116991643454039,9.84596300077100750058e-03,7.2363300023425836116e-04,2.46126999991247430443e-03,'2026-11-25 01:05:55');
INSERT INTO "rounds" VALUES(4,1,15,1.28133704735376052763e-01,8.57367599928693380206e-03,7.101730006979778409e-04,9.47180799994384869933e-03,'2026-11-25 01:05:55');
INSERT INTO "rounds" VALUES(4,2,20,1.00278551532033424753e-01,0.00866471100016497,NULL,NULL,'2026-11-25 01:05:55');
CREATE TABLE runs (
	id INTEGER NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	session_name VARCHAR(255) NOT NULL, 
	strategy VARCHAR(255) NOT NULL, 
	seed INTEGER NOT NULL, 
	environment JSON NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (experiment_id, strategy, seed), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (id) ON DELETE CASCADE, 
	UNIQUE (session_name)
);
INSERT INTO "runs" VALUES(1,1,'first/14ec1e29eb75/random/0','random',0,'{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}');
INSERT INTO "runs" VALUES(2,1,'first/14ec1e29eb75/grad/0','grad',0,'{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}');
INSERT INTO "runs" VALUES(3,1,'first/14ec1e29eb75/random/1','random',1,'{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}');
INSERT INTO "runs" VALUES(4,1,'first/14ec1e29eb75/grad/1','grad',1,'{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}');
CREATE TABLE sessions (
	id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	config JSON NOT NULL, 
	environment JSON NOT NULL, 
	created_at DATETIME DEFAULT CURRENT_TIMESTAMP NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name)
);
INSERT INTO "sessions" VALUES(1,'pens','{"strategy": "margin", "seed": 4, "training": {"epochs": 5, "batch_size": 8, "learning_rate": 0.01, "momentum": 0.9}, "pool": "1acf6659afd0b591968d7a7795410a34695199d2b2a42c797fae42d4459cbc5d", "model": "mlp"}','{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}','2026-11-25 01:05:45');
INSERT INTO "sessions" VALUES(2,'first/14ec1e29eb75/random/0','{"strategy": "random", "seed": 0, "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "momentum": 0.9}, "pool": "67812362d0248bc436461f22cfe55308a7a0eef021ec758c9e8bf9eddec7a2c1", "model": "built by a function"}','{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}','2026-11-25 01:05:54');
INSERT INTO "sessions" VALUES(3,'first/14ec1e29eb75/grad/0','{"strategy": "grad", "seed": 0, "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "momentum": 0.9}, "pool": "67812362d0248bc436461f22cfe55308a7a0eef021ec758c9e8bf9eddec7a2c1", "model": "built by a function"}','{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}','2026-11-25 01:05:54');
INSERT INTO "sessions" VALUES(4,'first/14ec1e29eb75/random/1','{"strategy": "random", "seed": 1, "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "momentum": 0.9}, "pool": "67812362d0248bc436461f22cfe55308a7a0eef021ec758c9e8bf9eddec7a2c1", "model": "built by a function"}','{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}','2026-11-25 01:05:54');
INSERT INTO "sessions" VALUES(5,'first/14ec1e29eb75/grad/1','{"strategy": "grad", "seed": 1, "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.02, "momentum": 0.9}, "pool": "67812362d0248bc436461f22cfe55308a7a0eef021ec758c9e8bf9eddec7a2c1", "model": "built by a function"}','{"python": "3.11.7", "ladle": "0.1.0", "torch": "2.13.0+cpu", "numpy": "2.4.6", "scipy": "1.17.1", "scikit-learn": "1.9.1", "system": "Linux x86_64", "cores": "2"}','2026-11-25 01:05:55');
CREATE INDEX ix_answers_project_id ON answers (project_id);
COMMIT;
